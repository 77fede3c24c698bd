// One unit of an LSTM step and its gradient (ops/lstm.h), for the CPU's loops and the GPU's kernels.
#pragma once

#include "tensor/scalar.h"
#include "tensor/types.h"

namespace mininmt::cuda {

// The gates and the candidate g of a unit, or their arguments.
struct LstmGates {
  real i, f, g, o;
};

struct LstmPeepholes {
  real i, f, o;
};

struct LstmUnit {
  LstmGates gates;
  real c, h;  // after the step
};

// sums = x + U h; c before the step.
MININMT_PORTABLE [[gnu::always_inline]] inline LstmUnit lstm_unit(const LstmGates& sums,
                                                                  const LstmPeepholes& p, real c) {
  const real i = mininmt::sigmoid(sums.i + p.i * c), f = mininmt::sigmoid(sums.f + p.f * c),
             g = mininmt::tanh(sums.g), next = f * c + i * g, o = mininmt::sigmoid(sums.o + p.o * next);
  return {{i, f, g, o}, next, o * mininmt::tanh(next)};
}

struct LstmUnitGradient {
  LstmGates sums;
  real c;  // before the step
};

// From c before and `next`, c after the step, and the gradients of h and c after it.
MININMT_PORTABLE [[gnu::always_inline]] inline LstmUnitGradient lstm_unit_gradient(const LstmGates& gates,
                                                                                   const LstmPeepholes& p,
                                                                                   real c, real next, real dh,
                                                                                   real dnext) {
  const auto [i, f, g, o] = gates;
  const real t = mininmt::tanh(next), d_o = dh * t * sigmoid_slope(o),
             d = dnext + dh * o * tanh_slope(t) + d_o * p.o, d_i = d * g * sigmoid_slope(i),
             d_f = d * c * sigmoid_slope(f);
  return {{d_i, d_f, d * i * tanh_slope(g), d_o}, d * f + d_i * p.i + d_f * p.f};
}

}  // namespace mininmt::cuda
