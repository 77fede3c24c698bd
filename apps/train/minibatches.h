// Pairs of a corpus as a minibatch.
#pragma once

#include "apps/options/train_options.h"
#include "apps/text/batches.h"
#include "nn/training/minibatch.h"

namespace mininmt {

inline BatchOptions batch_options(const TrainOptions& options) {
  return {static_cast<std::size_t>(options.mini_batch), static_cast<std::size_t>(options.maxi_batch),
          static_cast<std::size_t>(options.mini_batch_words)};
}

inline Minibatch minibatch_of(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs) {
  Minibatch minibatch;
  for (std::uint32_t pair : pairs) {
    minibatch.sources.push_back(corpus.source(pair));
    minibatch.targets.push_back(corpus.target(pair));
  }
  return minibatch;
}

}  // namespace mininmt
