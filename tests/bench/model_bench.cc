// mininmt-bench-model: target words/s in training, sentences/s in search. One JSON line.
//   --device auto|cpu|cuda   --threads N (of the CPU, 1)
//   --precision tf32|float32|bf16|int8   of products (tf32, which on the CPU is float32); int8 for search alone
//   --preset NAME (small)    and any of these options of mininmt-train: --dim-emb, --dim-rnn, --dim-align,
//                            --dim-maxout, --dim-vocabs, --mini-batch, --max-length, --optimizer
//   --text SOURCE TARGET     else random words, in sentences as long as image captions
// Training:
//   --minibatches N (60)     the first N minibatches, repeated until warm, then timed
//   --profile                profile of an update (GPU)
//   --overlap                when gradients are final, and what sending them meanwhile would save (CPU)
// Search, with --beam K, over the source side of --text:
//   --model FOLDER           else an untrained model of the preset's sizes
//   --sentences N            the text's lines, repeated until there are N; else all once
//   --fixed-length           as many words per sentence as its source has
// Both:
//   --dump FILE              writes the work, for peer_torch.py
#include "tests/bench/model_bench.h"

#include <omp.h>

#include <cstdio>

#include "apps/train/new_model.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"

namespace mininmt::bench {
namespace {

TrainOptions read_options(Arguments& arguments) {
  std::vector<std::string> line = {
      "--train-sets", "source", "target", "--model", "none", "--preset", arguments.text("preset", "small")};
  line.insert(line.end(), {"--tied-embeddings", "no"});  // as the peer
  for (const char* name :
       {"dim-emb", "dim-rnn", "dim-align", "dim-maxout", "mini-batch", "max-length", "optimizer"})
    if (arguments.has(name)) line.insert(line.end(), {"--" + std::string(name), arguments.text(name, "")});
  if (arguments.has("dim-vocabs")) {
    const auto limits = arguments.list("dim-vocabs", {"", ""});
    line.insert(line.end(), {"--dim-vocabs", limits[0], limits[1]});
  }
  const auto options = std::get<TrainOptions>(parse_train_options(line));
  if (options.config.type != "rnnsearch")
    throw UsageError("mininmt-bench-model: models of type " + options.config.type + " are not measured yet");
  return options;
}

Setup read_setup(Arguments& arguments) {
  const int threads = arguments.number("threads", 1);
  const std::string device = arguments.choice("device", {"auto", "cpu", "cuda"});
  const std::string precision = arguments.choice("precision", {"tf32", "float32", "bf16", "int8"});
  omp_set_num_threads(threads);
  Setup setup = {choose_device(device, precision, threads), precision, read_options(arguments)};
  if (setup.device.memory->on_host() && precision == "tf32") setup.precision = "float32";
  setup.options.bf16 = setup.device.weights == WeightFormat::kBf16;
  // With a GPU all cores, which then only create the model.
  if (!setup.device.memory->on_host()) omp_set_num_threads(omp_get_num_procs());
  return setup;
}

}  // namespace

int Setup::words(std::size_t side) const {
  constexpr int kWords = 8000;
  return options.dim_vocabs[side] > 0 ? options.dim_vocabs[side] : kWords;
}

Vocab Setup::vocab(std::size_t side, const std::string& path) const {
  WordCounts counts;
  counts.add_file(path);
  return counts.vocab(static_cast<std::size_t>(words(side)));
}

std::unique_ptr<Model> Setup::new_model() const {
  auto model = mininmt::new_model(options, static_cast<std::size_t>(source_words()),
                                  static_cast<std::size_t>(target_words()));
  model->parameters().move_to(*device.memory);
  return model;
}

Json Setup::sizes() const {
  return {{"preset", options.preset},
          {"m", options.config.integer("dim-emb")},
          {"n", options.config.integer("dim-rnn")},
          {"align", options.config.integer("dim-align")},
          {"l", options.config.integer("dim-maxout")},
          {"source_words", source_words()},
          {"target_words", target_words()},
          {"device", device.description},
          {"threads", device.threads},
          {"precision", precision}};
}

double flops(const TrainOptions& o, int target_words, double source_words_there, double target_words_there) {
  const double m = o.config.integer("dim-emb"), n = o.config.integer("dim-rnn"),
               a = o.config.integer("dim-align"), l = o.config.integer("dim-maxout");
  const double encoder = 2 * (3 * n * m + 3 * n * n) + 2 * n * a;
  const double decoder =
      n * a + 3 * n * m + 3 * n * n + 3 * n * 2 * n + 2 * l * (n + m + 2 * n) + target_words * l;
  return 6 * (source_words_there * encoder + target_words_there * decoder);
}

double flops(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches) {
  double source = 0, target = 0;
  for (const auto& pairs : minibatches)
    for (std::uint32_t p : pairs) {
      source += static_cast<double>(corpus.source(p).size());
      target += static_cast<double>(corpus.target(p).size());
    }
  return flops(setup.options, setup.target_words(), source, target);
}

}  // namespace mininmt::bench

int main(int argc, char** argv) {
  using namespace mininmt;
  try {
    bench::Arguments arguments("mininmt-bench-model", argc, argv);
    const bench::Setup setup = bench::read_setup(arguments);
    if (arguments.has("beam"))
      bench::bench_search(arguments, setup);
    else if (setup.precision == "int8")
      throw UsageError("mininmt-bench-model: --precision int8 is for --beam");
    else
      bench::bench_training(arguments, setup);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "mininmt-bench-model: error: %s\n", error.what());
    return error.exit_code();
  }
}
