// Numbers with 8 significant bits: the upper half of a float.
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt {

using Bf16 = std::uint16_t;

// y_i: the nearest to x_i, ties to even; NaN stays. Below 1e-38 it may be 0, as products take such numbers.
void round_to_bf16(std::int64_t n, const real* x, Bf16* y);

// y (n) += factor x (n)
void add_scaled(std::int64_t n, real factor, const Bf16* x, real* y);

}  // namespace mininmt
