// Translations drawn at random instead of searched for.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/types.h"

namespace mininmt {

struct Sampling {
  double temperature = 1;  // draws from q ~ p^(1/temperature)
  int top_k = 0;           // only the k most probable words; 0: all
  double top_p = 1;  // of these the most probable, as few as have this share of q (Holtzman et al. 2020)
  std::uint64_t seed = 1;
};

// The word that u, in (0, 1), selects from q. Words of log p -infinity are not drawn; at least one must be
// finite, or it is an Error. Ties of the most probable are decided by the lower word.
Id draw(const Sampling& sampling, std::span<const real> log_p, double u);

}  // namespace mininmt
