// The parts of mininmt-bench-model.
#pragma once

#include "apps/options/train_options.h"
#include "apps/program/device.h"
#include "apps/text/corpus.h"
#include "nn/model.h"
#include "tests/bench/harness.h"

namespace mininmt::bench {

// The setup of a benchmark.
struct Setup {
  Device device;
  std::string precision;
  TrainOptions options;  // the preset and other options given

  int source_words() const { return words(0); }
  int target_words() const { return words(1); }
  int words(std::size_t side) const;  // vocabulary size: the option's limit, or 8,000
  Vocab vocab(std::size_t side, const std::string& path) const;  // of a text's words, limited to that
  std::unique_ptr<Model> new_model() const;                      // on the device
  Json sizes() const;                                            // of the model, and the device, for reports
};

using Minibatches = std::vector<std::vector<std::uint32_t>>;  // pairs of a corpus

// Floating-point operations of the products for this many source and target words, forward and backward:
// three times the forward ones, a multiply-add counted as two.
double flops(const TrainOptions& options, int target_words, double source_words_there,
             double target_words_there);
double flops(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches);

// The first minibatches of training on --text SOURCE TARGET, or on random words, --minibatches N of them.
// --dump FILE writes them for the peer.
void bench_training(Arguments& arguments, const Setup& setup);

// Profiles an update of the median minibatch, with its own model.
void profile_on_gpu(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches,
                    const Roofs& roofs);

// --overlap: when the gradients of the first minibatch are final, and what sending them meanwhile would save.
void bench_overlap(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches);

// --beam K over the first file of --text, with --model FOLDER or an untrained model of the preset's sizes.
void bench_search(Arguments& arguments, const Setup& setup);

}  // namespace mininmt::bench
