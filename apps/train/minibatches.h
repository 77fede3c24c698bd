// Pairs of a corpus as a minibatch.
#pragma once

#include "apps/text/corpus.h"
#include "nn/training/minibatch.h"

namespace mininmt {

inline Minibatch minibatch_of(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs) {
  Minibatch minibatch;
  for (std::uint32_t pair : pairs) {
    minibatch.sources.push_back(corpus.source(pair));
    minibatch.targets.push_back(corpus.target(pair));
  }
  return minibatch;
}

}  // namespace mininmt
