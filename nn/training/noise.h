// Dropout and its random numbers. The model decides where, and with what probability.
#pragma once

#include "ops/dropout.h"

namespace mininmt {

struct Noise {
  bool on = false;  // false: no dropout
  std::uint64_t seed = 0;
  std::uint64_t update = 0;              // the masks are a function of seed, update, part and site
  std::uint64_t part = 0;                // of the minibatch
  const std::uint64_t* later = nullptr;  // see Draws: on the GPU, `update << 20` of a captured update

  // Each place where a model applies dropout has its own site, counted from 1.
  Var apply(Var x, double p, std::uint64_t site) const {
    if (!on || p == 0) return x;
    return dropout(x, p, {seed + (site >> 4 << 32), update << 20 | part << 4 | (site & 15), later});
  }
};

}  // namespace mininmt
