// The scalar formulas. The float versions have no branches and no calls, so that loops over them vectorize;
// all propagate NaN. The double versions are the standard library's, for the gradient checks.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/portable.h"

namespace mininmt {

namespace detail {

// x = k ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to the nearest integer, in the low bits.
struct Reduced {
  float r;
  float two_k;  // 2^k
};

MININMT_PORTABLE inline Reduced reduce(float x) {
  constexpr float kShift = 0x1.8p23f;
  const float shifted = x * 1.44269504f + kShift;
  const float k = shifted - kShift;
  const float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;  // ln 2 in two parts (Cody and Waite)
  const auto exponent = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kShift);
  return {r, std::bit_cast<float>((exponent + 127) << 23)};
}

// (e^r - 1 - r) / r^2 by its Taylor series to r^5: relative error of e^r - 1 below 1e-7 for |r| <= ln 2 / 2.
MININMT_PORTABLE inline float tail(float r) {
  return 0.5f +
         r * (0x1.555556p-3f +
              r * (0x1.555556p-5f + r * (0x1.111112p-7f + r * (0x1.6c16c2p-10f + r * 0x1.a01a02p-13f))));
}

MININMT_PORTABLE inline float clamp(float x, float low, float high) {  // NaN stays NaN
  x = x < low ? low : x;
  return x > high ? high : x;
}

// a / b; on the GPU within 2 ulp and without a branch, where exact division needs a call.
MININMT_PORTABLE inline float divide(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdividef(a, b);
#else
  return a / b;
#endif
}

// u = 2^k m with sqrt(1/2) <= m < sqrt(2), for a normal u > 0.
struct Binary {
  float k, m;
};

MININMT_PORTABLE inline Binary binary(float u) {
  constexpr std::uint32_t kRootOfHalf = 0x3f3504f3;  // its bits
  const auto bits = std::bit_cast<std::uint32_t>(u);
  const auto k = static_cast<std::int32_t>(bits - kRootOfHalf) >> 23;
  return {static_cast<float>(k), std::bit_cast<float>(bits - (static_cast<std::uint32_t>(k) << 23))};
}

// k ln 2 + log(1 + f) + small, by the series of log((1 + s) / (1 - s)) in s = f / (2 + f), with the
// coefficients of FreeBSD's logf.
MININMT_PORTABLE inline float log_of_binary(float k, float f, float small) {
  const float s = divide(f, 2 + f), z = s * s, half = 0.5f * f * f;
  const float series =
      z * (0xaaaaaa.0p-24f + z * (0xccce13.0p-25f + z * (0x91e9ee.0p-25f + z * 0xf89e26.0p-26f)));
  return s * (half + series) + (k * 9.0580006145e-06f + small) - half + f + k * 6.9313812256e-01f;
}

// y for 0 < u < infinity, else the correct value of log u.
MININMT_PORTABLE inline float log_at_edges(float u, float y) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  y = u == 0 ? -kInfinity : y;
  y = u < 0 ? std::numeric_limits<float>::quiet_NaN() : y;
  return u < kInfinity ? y : u;  // infinity and NaN stay
}

}  // namespace detail

// e^x; 0 (actually 1e-38) below -87, e^88 above 88.
MININMT_PORTABLE inline float exp(float x) {
  const auto [r, two_k] = detail::reduce(detail::clamp(x, -87.0f, 88.0f));
  return two_k + two_k * (r + r * r * detail::tail(r));
}

// tanh x = (e^2x - 1) / (e^2x + 1). The numerator is computed without cancellation, so the relative error is
// small near 0 too.
MININMT_PORTABLE inline float tanh(float x) {
  const auto [r, two_k] = detail::reduce(detail::clamp(2 * x, -30.0f, 30.0f));
  const float expm1 = two_k * (r + r * r * detail::tail(r)) + (two_k - 1);
  return detail::divide(expm1, expm1 + 2);
}

MININMT_PORTABLE inline float sigmoid(float x) { return detail::divide(1, 1 + mininmt::exp(-x)); }

// log x, to 0.8 ulp, also for subnormal x; -infinity at 0, NaN below.
MININMT_PORTABLE inline float log(float x) {
  const bool tiny = x < 0x1p-126f;
  const auto [k, m] = detail::binary(tiny ? x * 0x1p25f : x);
  return detail::log_at_edges(x, detail::log_of_binary(tiny ? k - 25 : k, m - 1, 0));
}

// log(1 + x), to 0.8 ulp, also near 0 and -1; -infinity at -1, NaN below.
MININMT_PORTABLE inline float log1p(float x) {
  const float u = 1 + x;
  const auto [k, m] = detail::binary(u);
  const float lost = detail::divide(k > 1 ? 1 - (u - x) : x - (u - 1), u);  // in rounding u
  const bool near_0 = k == 0;
  return detail::log_at_edges(u, detail::log_of_binary(k, near_0 ? x : m - 1, near_0 ? 0 : lost));
}

MININMT_PORTABLE inline double exp(double x) { return std::exp(x); }
MININMT_PORTABLE inline double tanh(double x) { return std::tanh(x); }
MININMT_PORTABLE inline double log(double x) { return std::log(x); }
MININMT_PORTABLE inline double log1p(double x) { return std::log1p(x); }
MININMT_PORTABLE inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Derivatives in terms of the outputs.
template <class T>
MININMT_PORTABLE T tanh_slope(T y) {
  return 1 - y * y;
}
template <class T>
MININMT_PORTABLE T sigmoid_slope(T y) {
  return y * (1 - y);
}

}  // namespace mininmt
