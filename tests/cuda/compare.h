// For launcher tests: numbers on the device, and comparing results with the same loop in long double,
// relative to its error in the build's own precision.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace mininmt {

using Exact = long double;
using Reals = std::vector<real>;

inline constexpr real kNan = std::numeric_limits<real>::quiet_NaN();
inline constexpr real kInfinity = std::numeric_limits<real>::infinity();

inline Reals random_reals(std::int64_t count, std::uint64_t seed, double scale = 1) {
  const Random random{seed, 0};
  Reals x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<real>(scale * random.normal(i));
  return x;
}

inline std::int64_t count_of(const std::vector<real>& x) { return static_cast<std::int64_t>(x.size()); }

inline Tensor on_device(const Reals& x) { return Tensor::from({count_of(x)}, x).to(cuda::memory()); }

// All NaN, to expose elements that a kernel does not write.
inline Tensor poisoned(std::int64_t count) {
  Tensor x({count}, cuda::memory());
  x.fill(kNan);
  return x;
}

inline Reals on_host(const Tensor& x) {
  const Tensor copy = x.to(cpu_memory());
  const auto values = copy.values();
  return {values.begin(), values.end()};
}

inline std::vector<std::int32_t> on_host(const std::int32_t* x, std::size_t count) {
  std::vector<std::int32_t> values(count);
  cuda::memory().to_host(values.data(), x, count * sizeof(std::int32_t));
  return values;
}

template <class T>
double distance(const std::vector<T>& x, const std::vector<Exact>& exact) {
  Exact sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - exact[i]) * (x[i] - exact[i]);
  return static_cast<double>(std::sqrt(sum));
}

// The error is at most twice that of the plain loop, in the norm of the whole array, plus a little for loops
// so short that their error is 0.
inline void check_close(const std::string& what, const Reals& result, const Reals& plain,
                        const std::vector<Exact>& exact) {
  INFO(what);
  REQUIRE(result.size() == exact.size());
  REQUIRE(plain.size() == exact.size());
  const double norm = distance(std::vector<real>(exact.size(), 0), exact);
  const double error = distance(result, exact), error_of_plain = distance(plain, exact);
  CAPTURE(norm);
  CAPTURE(error_of_plain);
  CHECK(error <= 2 * error_of_plain + 8 * double{std::numeric_limits<real>::epsilon()} * norm);
}

}  // namespace mininmt
