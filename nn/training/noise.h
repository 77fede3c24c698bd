// Dropout while training: where, with what probability, and from which random numbers.
#pragma once

#include "ops/dropout.h"

namespace mininmt {

struct Noise {
  double embeddings = 0;   // probability to drop an element of a source or target embedding
  double annotations = 0;  // ... of an annotation h_j
  double readout = 0;      // ... of the maxout layer t_i
  std::uint64_t seed = 0;
  std::uint64_t update = 0;              // the masks are a function of seed, update, shard and site
  std::uint64_t shard = 0;               // the part of the minibatch
  const std::uint64_t* later = nullptr;  // see Draws: on the GPU, `update << 20` of a recorded update

  enum Site : std::uint64_t { kSourceEmbedding = 1, kTargetEmbedding, kAnnotations, kReadout };

  Var apply(Var x, double p, Site site) const {
    return p > 0 ? dropout(x, p, {seed, update << 20 | shard << 4 | site, later}) : x;
  }
};

}  // namespace mininmt
