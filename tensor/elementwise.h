// The elementwise functions. This one list gives the CPU loops (ops/elementwise.cc), the GPU kernels
// (cuda/elementwise.cu) and the tests of both. A function has a name, a value and a slope, computed from the
// output y if possible, else from the input x; backward keeps that one.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#include "tensor/scalar.h"
#include "tensor/types.h"

namespace mininmt {

struct Tanh {
  static constexpr const char* name = "tanh";
  static MININMT_PORTABLE real value(real x) { return mininmt::tanh(x); }
  static MININMT_PORTABLE real slope_from_output(real y) { return tanh_slope(y); }
};

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static MININMT_PORTABLE real value(real x) { return mininmt::sigmoid(x); }
  static MININMT_PORTABLE real slope_from_output(real y) { return sigmoid_slope(y); }
};

struct Softplus {  // with e^-|x|, which does not overflow
  static constexpr const char* name = "softplus";
  static MININMT_PORTABLE real value(real x) { return (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x)); }
  static MININMT_PORTABLE real slope_from_input(real x) { return mininmt::sigmoid(x); }
};

struct Relu {  // NaN stays NaN
  static constexpr const char* name = "relu";
  static MININMT_PORTABLE real value(real x) { return x < 0 ? 0 : x; }
  static MININMT_PORTABLE real slope_from_output(real y) { return y > 0 ? 1 : 0 * y; }
};

using ElementwiseFunctions = std::tuple<Tanh, Sigmoid, Softplus, Relu>;

// Whether backward keeps the output; the slope of F from what is kept.
template <class F>
inline constexpr bool kFromOutput = requires(real y) {
  F::slope_from_output(y);
};

template <class F>
MININMT_PORTABLE real slope(real kept) {
  if constexpr (kFromOutput<F>)
    return F::slope_from_output(kept);
  else
    return F::slope_from_input(kept);
}

// Calls use(F{}) for each function, in list order.
template <class Use>
void for_functions(const Use& use) {
  std::apply([&](auto... f) { (use(f), ...); }, ElementwiseFunctions{});
}

// The index of F in the list, which the GPU launchers take (cuda/kernels.h).
template <class F>
std::size_t number_of() {
  std::size_t number = 0, count = 0;
  for_functions([&](auto f) {
    if (std::is_same_v<decltype(f), F>) number = count;
    ++count;
  });
  return number;
}

}  // namespace mininmt
