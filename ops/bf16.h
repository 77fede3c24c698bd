// Numbers with 8 significant bits: the upper half of a float.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace mininmt {

using Bf16 = std::uint16_t;

// y_i: the nearest to x_i, ties to even; NaN stays. Below 1e-38 it may be 0, as products take such numbers.
void round_to_bf16(std::int64_t n, const real* x, Bf16* y);

// The same of factor x_i + shift.
void scale_to_bf16(std::int64_t n, real factor, const real* x, real shift, Bf16* y);

// Room for n of them.
class Bf16Block {
 public:
  Bf16Block() = default;
  Bf16Block(std::int64_t n, Memory& memory) : block_({(n + 1) / 2}, memory) {}
  Bf16* data() const { return reinterpret_cast<Bf16*>(block_.data()); }

 private:
  Tensor block_;
};

// y (n) += factor x (n)
void add_scaled(std::int64_t n, real factor, const Bf16* x, real* y);

}  // namespace mininmt
