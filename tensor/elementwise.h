// The functions of one number that are operations on each element. From this one list come the loops of the
// CPU (ops/elementwise.cc), the kernels of the GPU (cuda/elementwise.cu) and the tests of both. A function
// has a name, its value, and its slope: from the output y where that is all it takes, else from the input x.
// Backward keeps that one.
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

struct Softplus {  // by e^-|x|, which does not overflow
  static constexpr const char* name = "softplus";
  static MININMT_PORTABLE real value(real x) { return (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x)); }
  static MININMT_PORTABLE real slope_from_input(real x) { return mininmt::sigmoid(x); }
};

using ElementwiseFunctions = std::tuple<Tanh, Sigmoid, Softplus>;

// Whether backward keeps the output, and the slope of F from what it keeps.
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

// use(F{}) for each function in the order of the list.
template <class Use>
void for_functions(const Use& use) {
  std::apply([&](auto... f) { (use(f), ...); }, ElementwiseFunctions{});
}

// The place of F in the list, by which it is named to the GPU's launchers (cuda/kernels.h).
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
