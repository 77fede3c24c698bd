// The formulas of Graves' window (ops/window.h), shared by CPU and GPU.
#pragma once

#include "tensor/scalar.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr real kWindowLimit = 8;  // a^, b^ and k^ are clamped to [-8, 8], with gradient 0 outside

MININMT_PORTABLE inline real window_exp(real x) {
  return mininmt::exp(x < -kWindowLimit ? -kWindowLimit : x > kWindowLimit ? kWindowLimit : x);
}

MININMT_PORTABLE inline bool window_has_slope(real x) { return x >= -kWindowLimit && x <= kWindowLimit; }

// alpha e^(-beta distance^2)
MININMT_PORTABLE inline real window_term(real alpha, real beta, real distance) {
  return alpha * mininmt::exp(-beta * distance * distance);
}

}  // namespace mininmt
