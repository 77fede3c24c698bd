// Training words a second and translated sentences a second. Usage:
//   mininmt-bench-model [--threads N] [--size N] [--maxout N] [--words N] [--text SOURCE TARGET] [--model
//   FOLDER --beam K]
// Without --text, sentences of random words as long as those of image captions. Training: m = n = n' = N, one
// line; with the share of the measured matrix-product peak that its products alone come to. With --model,
// translates the source side of --text instead.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "apps/model_folder.h"
#include "apps/text/batches.h"
#include "apps/translator.h"
#include "apps/update.h"
#include "apps/validation.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/bench/harness.h"

namespace mininmt::bench {
namespace {

struct Arguments {
  int threads = 1, size = 256, maxout = 256, words = 8000, beam = 5;
  std::string source, target, model;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto next = [&] {
      if (++i >= argc) throw UsageError("mininmt-bench-model: " + name + " needs a value");
      return std::string(argv[i]);
    };
    if (name == "--threads")
      a.threads = std::atoi(next().c_str());
    else if (name == "--size")
      a.size = std::atoi(next().c_str());
    else if (name == "--maxout")
      a.maxout = std::atoi(next().c_str());
    else if (name == "--words")
      a.words = std::atoi(next().c_str());
    else if (name == "--beam")
      a.beam = std::atoi(next().c_str());
    else if (name == "--model")
      a.model = next();
    else if (name == "--text")
      a.source = next(), a.target = next();
    else
      throw UsageError("mininmt-bench-model: unknown option " + name);
  }
  return a;
}

ParallelCorpus random_corpus(int words) {
  ParallelCorpus corpus;
  const Random random{1, 2};
  std::uint64_t next = 0;
  const auto sentence = [&](int length) {
    std::vector<Id> ids;
    for (int i = 0; i < length; ++i) ids.push_back(2 + static_cast<Id>(random.uniform(next++) * (words - 2)));
    ids.push_back(kEos);
    return ids;
  };
  for (int i = 0; i < 8000; ++i) {
    const int length = std::max(4, static_cast<int>(13 + 4 * random.normal(next++)));
    const int other = std::max(3, length + static_cast<int>(1 + 2 * random.normal(next++)));
    const auto source = sentence(length), target = sentence(other);
    corpus.add(source, target);
  }
  return corpus;
}

// Floating-point operations of the products for one sentence pair, forward and backward (three times the
// forward ones, each multiply-add counted as two).
double flops(const TrainOptions& o, int words, double source_length, double target_length) {
  const double m = o.dim_emb, n = o.dim_rnn, a = o.dim_align, l = o.dim_maxout;
  const double encoder = 2 * (3 * n * m + 3 * n * n) + 2 * n * a;
  const double decoder = n * a + 3 * n * m + 3 * n * n + 3 * n * 2 * n + 2 * l * (n + m + 2 * n) + words * l;
  return 6 * (source_length * encoder + target_length * decoder);
}

void bench_training(const Arguments& a) {
  TrainOptions options;
  options.dim_emb = options.dim_rnn = options.dim_align = a.size;
  options.dim_maxout = a.maxout;
  int words = a.words;
  ParallelCorpus corpus;
  if (a.source.empty()) {
    corpus = random_corpus(words);
  } else {
    WordCounts source, target;
    source.add_file(a.source);
    target.add_file(a.target);
    CorpusReport report;
    const Vocab target_vocab = target.vocab(static_cast<std::size_t>(words));
    words = static_cast<int>(target_vocab.size());
    corpus = ParallelCorpus::read(a.source, a.target, source.vocab(static_cast<std::size_t>(a.words)),
                                  target_vocab, 50, report);
  }
  const Roofs roofs = measure_roofs();
  const auto model = new_model(options, static_cast<std::size_t>(a.words), static_cast<std::size_t>(words));
  const auto updater = make_updater(*model, corpus, options, a.threads);
  BatchStream stream(corpus, {}, 1);
  for (int i = 0; i < 20; ++i)
    updater->update(stream.next());  // a whole fetch, so that every shape has been seen
  double seconds = 0, target_words = 0, needed = 0;
  for (int i = 0; i < 60; ++i) {
    const auto pairs = stream.next();
    for (std::uint32_t p : pairs)
      needed += flops(options, words, static_cast<double>(corpus.source(p).size()),
                      static_cast<double>(corpus.target(p).size()));
    const auto start = std::chrono::steady_clock::now();
    target_words += static_cast<double>(updater->update(pairs).words);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  report_rate(join("training, m = n = n' = ", a.size, ", l = ", a.maxout, ", ", words, " words"),
              target_words / seconds, "target words/s",
              join(", \"threads\": ", a.threads, ", \"words_per_core\": ", target_words / seconds / a.threads,
                   ", \"gflops\": ", needed / seconds / 1e9, ", \"peak_gflops\": ", roofs.gflops,
                   ", \"of_peak\": ", needed / seconds / 1e9 / roofs.gflops));
}

void bench_translation(const Arguments& a) {
  const LoadedModel loaded = load_model_folder(a.model);
  const std::vector<std::string> lines = read_lines(a.source, {});
  SearchOptions search;
  search.beam_size = a.beam;
  const Translator translator(*loaded.model, loaded.source, loaded.target, search, 32, a.threads);
  double words = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const auto& hypotheses : translator.translate(lines))
    if (!hypotheses.empty()) words += static_cast<double>(hypotheses[0].words.size()) + 1;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double sentences = static_cast<double>(lines.size());
  report_rate(join("translation, beam ", a.beam), sentences / seconds, "sentences/s",
              join(", \"threads\": ", a.threads, ", \"sentences_per_core\": ",
                   sentences / seconds / a.threads, ", \"words_per_second\": ", words / seconds));
}

}  // namespace
}  // namespace mininmt::bench

int main(int argc, char** argv) {
  using namespace mininmt;
  try {
    const bench::Arguments arguments = bench::parse(argc, argv);
    omp_set_num_threads(arguments.threads);
    if (arguments.model.empty())
      bench::bench_training(arguments);
    else
      bench::bench_translation(arguments);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "mininmt-bench-model: error: %s\n", error.what());
    return error.exit_code();
  }
}
