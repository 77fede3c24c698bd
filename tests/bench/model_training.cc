// Training: time per update, and target words per second.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "apps/text/batches.h"
#include "apps/train/minibatches.h"
#include "cuda/device.h"
#include "cuda/kernels.h"
#include "nn/training/update.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/bench/model_bench.h"

namespace mininmt::bench {
namespace {

ParallelCorpus random_corpus(const Setup& setup) {
  ParallelCorpus corpus;
  const Random random{1, 2};
  std::uint64_t next = 0;
  const auto sentence = [&](int length, int words) {
    std::vector<Id> ids;
    for (int i = 0; i < length; ++i) ids.push_back(2 + static_cast<Id>(random.uniform(next++) * (words - 2)));
    ids.push_back(kEos);
    return ids;
  };
  for (int i = 0; i < 8000; ++i) {
    const int length = std::max(4, static_cast<int>(13 + 4 * random.normal(next++)));
    const int other = std::max(3, length + static_cast<int>(1 + 2 * random.normal(next++)));
    const auto source = sentence(length, setup.source_words());
    corpus.add(source, sentence(other, setup.target_words()));
  }
  return corpus;
}

ParallelCorpus read_corpus(Arguments& arguments, const Setup& setup) {
  if (!arguments.has("text")) return random_corpus(setup);
  const auto text = arguments.list("text", {"", ""});
  CorpusReport report;
  return ParallelCorpus::read(text[0], text[1], setup.vocab(0, text[0]), setup.vocab(1, text[1]),
                              static_cast<std::size_t>(setup.options.max_length), report);
}

Minibatches first_minibatches(const ParallelCorpus& corpus, const TrainOptions& o, int count) {
  BatchStream stream(corpus,
                     {static_cast<std::size_t>(o.mini_batch), static_cast<std::size_t>(o.maxi_batch),
                      static_cast<std::size_t>(o.mini_batch_words)},
                     static_cast<std::uint64_t>(o.seed));
  Minibatches minibatches;
  for (int i = 0; i < count; ++i) {
    const auto pairs = stream.next();
    minibatches.emplace_back(pairs.begin(), pairs.end());
  }
  return minibatches;
}

// The model's sizes, the recipe and the ids of each sentence, as peer_torch.py reads them.
void dump(const std::string& path, const Setup& setup, const ParallelCorpus& corpus,
          const Minibatches& minibatches) {
  const TrainOptions& o = setup.options;
  Json work = setup.sizes();
  work.update({{"optimizer", o.optimizer},
               {"learn_rate", o.learn_rate},
               {"clip_norm", o.clip_norm},
               {"cost_type", o.cost_type},
               {"label_smoothing", o.label_smoothing},
               {"dropout_emb", o.config.real_number("dropout-emb")},
               {"dropout_annotations", o.config.real_number("dropout-annotations")},
               {"dropout_readout", o.config.real_number("dropout-readout")},
               {"exponential_smoothing", o.exponential_smoothing},
               {"minibatches", Json::array()}});
  for (const auto& pairs : minibatches) {
    Json sentences = Json::array();
    for (std::uint32_t p : pairs) {
      const auto x = corpus.source(p), y = corpus.target(p);
      sentences.push_back({std::vector(x.begin(), x.end()), std::vector(y.begin(), y.end())});
    }
    work["minibatches"].push_back(sentences);
  }
  std::ofstream file(path);
  if (!(file << work << std::endl)) throw IoError("--dump " + path + " can't be written");
}

struct Pass {
  double seconds = 0, cost = 0, words = 0;
  int updates = 0, skipped = 0;

  void add(const std::vector<UpdateReport>& reports) {
    for (const UpdateReport& r : reports) {
      cost += r.cost;
      words += static_cast<double>(r.words);
      ++updates;
      skipped += r.applied ? 0 : 1;
    }
  }
};

// One pass over the minibatches, as in training: waits only at the start and the end.
Pass run_through(Updater& updater, const Memory& memory, const ParallelCorpus& corpus,
                 const Minibatches& minibatches) {
  Pass pass;
  wait_for(memory);
  const double start = now();
  for (const auto& pairs : minibatches) {
    updater.start(minibatch_of(corpus, pairs));
    pass.add(updater.reports(false));
  }
  pass.add(updater.reports(true));
  wait_for(memory);
  pass.seconds = now() - start;
  return pass;
}

// The median time of updates, waiting for each.
double median_update(Updater& updater, const Memory& memory, const ParallelCorpus& corpus,
                     const Minibatches& minibatches) {
  std::vector<double> times;
  for (const auto& pairs : minibatches) {
    const double start = now();
    updater.update(minibatch_of(corpus, pairs));
    wait_for(memory);
    times.push_back(now() - start);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double gigabytes_on_gpu(const Memory& memory) {
  if constexpr (kHasCuda)
    if (!memory.on_host()) return static_cast<double>(cuda::memory().reserved()) / 1e9;
  return 0;
}

}  // namespace

void bench_training(Arguments& arguments, const Setup& setup) {
  Memory& memory = *setup.device.memory;
  const ParallelCorpus corpus = read_corpus(arguments, setup);
  const Minibatches minibatches =
      first_minibatches(corpus, setup.options, arguments.number("minibatches", 60));
  if (arguments.has("dump")) dump(arguments.text("dump", ""), setup, corpus, minibatches);
  const bool profile = arguments.has("profile"), overlap = arguments.has("overlap");
  const int side = arguments.has("roof-side") ? arguments.number("roof-side", 1) : 0;
  arguments.check_all_used();
  if (overlap) return bench_overlap(setup, corpus, minibatches);

  const Roofs roofs = measure_roofs(memory, side);
  const auto model = setup.new_model();
  const auto updater = make_updater(*model, setup.options, setup.device.threads);
  // On the GPU a shape runs op by op when first seen, is captured the second time, and runs as a graph from
  // then on. On the CPU twenty minibatches, sorted together, cover all shapes.
  Minibatches warm_up = minibatches;
  if (memory.on_host()) warm_up.resize(std::min<std::size_t>(20, warm_up.size()));
  std::vector<double> seconds;
  for (int i = 0; i < (memory.on_host() ? 1 : 3); ++i)
    seconds.push_back(run_through(*updater, memory, corpus, warm_up).seconds);
  const Pass pass = run_through(*updater, memory, corpus, minibatches);
  if (pass.skipped > 0 || !std::isfinite(pass.cost))
    throw Error("the model diverged: this is no measurement");

  Json line = {{"bench", "training"},
               {"value", pass.words / pass.seconds},
               {"unit", "target words/s"},
               {"ms_per_update", 1e3 * pass.seconds / pass.updates},
               {"median_ms_waiting", 1e3 * median_update(*updater, memory, corpus, minibatches)}};
  const double gflops = flops(setup, corpus, minibatches) / pass.seconds / 1e9;
  line.update(setup.sizes());
  line.update({{"optimizer", setup.options.optimizer},
               {"updates", pass.updates},
               {"target_words_seen", pass.words},
               {"cost_per_word", pass.cost / pass.words},
               {"gflops", gflops},
               {"peak_gflops", roofs.gflops},
               {"of_peak", gflops / roofs.gflops},
               {"warm_up_seconds", seconds},
               {"gigabytes_on_gpu", gigabytes_on_gpu(memory)}});
  print(line);
  if (!profile) return;
  if constexpr (kHasCuda)
    if (!memory.on_host()) return profile_on_gpu(setup, corpus, minibatches, roofs);
  throw UsageError("mininmt-bench-model: --profile is for a GPU");
}

}  // namespace mininmt::bench
