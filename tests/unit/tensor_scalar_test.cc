// The scalar formulas in float against the standard library in double, over dense ranges and at edge cases.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/scalar.h"

namespace mininmt {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

struct Errors {
  double absolute = 0, relative = 0;
};

// Largest errors of f over [low, high], with a step that is not a power of two.
template <class F, class G>
Errors errors(float low, float high, const F& f, const G& exact) {
  Errors worst;
  const double step = (static_cast<double>(high) - low) / 400'009;
  for (int i = 0; i <= 400'009; ++i) {
    const float x = static_cast<float>(low + i * step);
    const double expected = exact(static_cast<double>(x)), error = std::abs(f(x) - expected);
    worst.absolute = std::max(worst.absolute, error);
    if (expected != 0) worst.relative = std::max(worst.relative, error / std::abs(expected));
  }
  return worst;
}

// The same over all magnitudes: x = 2^k, 1000 values per power, from the smallest number to 1, both signs.
template <class F, class G>
double relative_error_near_zero(const F& f, const G& exact) {
  double worst = 0;
  for (double k = -149; k < 0; k += 0.001)
    for (const float sign : {-1.0f, 1.0f}) {
      const float x = sign * static_cast<float>(std::exp2(k));
      // Below the smallest normal number only absolute precision is possible.
      const double expected = exact(static_cast<double>(x)), unit = std::max(std::abs(expected), 0x1p-126);
      worst = std::max(worst, std::abs(f(x) - expected) / unit);
    }
  return worst;
}

const auto float_exp = [](float x) { return mininmt::exp(x); };
const auto float_tanh = [](float x) { return mininmt::tanh(x); };
const auto float_sigmoid = [](float x) { return mininmt::sigmoid(x); };
const auto float_log = [](float x) { return mininmt::log(x); };
const auto float_log1p = [](float x) { return mininmt::log1p(x); };

// Largest error of f over all floats, one bit pattern in 4099, in ulps of the exact value. Non-finite results
// must match exactly.
template <class F, class G>
double units_over_all_floats(const F& f, const G& exact) {
  double worst = 0;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 4099) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits)), got = f(x);
    const double expected = exact(static_cast<double>(x));
    if (std::isfinite(expected)) {
      const int exponent = expected == 0 ? -126 : std::max(std::ilogb(expected), -126);
      worst = std::max(worst, std::abs(got - expected) / std::ldexp(1.0, exponent - 23));
    } else if (std::isnan(expected) ? !std::isnan(got) : static_cast<double>(got) != expected) {
      FAIL_CHECK("at " << x << ": " << got << " for " << expected);
    }
  }
  return worst;
}

double exact_exp(double x) { return std::exp(x); }
double exact_tanh(double x) { return std::tanh(x); }
double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE("exp: relative error over the range that a float can hold") {
  CHECK(errors(-1, 1, float_exp, exact_exp).relative <= 2.0e-7);
  CHECK(errors(-87, 88, float_exp, exact_exp).relative <= 2.0e-7);
  CHECK(relative_error_near_zero(float_exp, exact_exp) <= 2.0e-7);
}

TEST_CASE("exp: edges") {
  CHECK(mininmt::exp(0.0f) == 1);
  CHECK(mininmt::exp(-0.0f) == 1);
  CHECK(mininmt::exp(kSmallest) == 1);
  CHECK(mininmt::exp(-kInfinity) <= 1.7e-38f);
  CHECK(mininmt::exp(-kInfinity) >= 0);
  CHECK(mininmt::exp(-1e30f) == mininmt::exp(-kInfinity));
  CHECK(mininmt::exp(-100.0f) <= 1.7e-38f);
  CHECK(std::isfinite(mininmt::exp(kInfinity)));
  CHECK(mininmt::exp(kInfinity) > 1.6e38f);
  CHECK(mininmt::exp(1e30f) == mininmt::exp(88.0f));
  CHECK(std::isnan(mininmt::exp(kNan)));
  CHECK(std::isnan(mininmt::exp(-kNan)));
}

TEST_CASE("tanh: absolute error, and relative error down to the smallest numbers") {
  CHECK(errors(-1, 1, float_tanh, exact_tanh).absolute <= 2e-7);
  CHECK(errors(-20, 20, float_tanh, exact_tanh).absolute <= 2e-7);
  CHECK(errors(-20, 20, float_tanh, exact_tanh).relative <= 4e-7);
  CHECK(relative_error_near_zero(float_tanh, exact_tanh) <= 4e-7);
}

TEST_CASE("tanh: edges, symmetry, never beyond 1") {
  CHECK(mininmt::tanh(0.0f) == 0);
  CHECK(mininmt::tanh(-0.0f) == 0);
  CHECK(mininmt::tanh(kInfinity) == 1);
  CHECK(mininmt::tanh(-kInfinity) == -1);
  CHECK(mininmt::tanh(std::numeric_limits<float>::max()) == 1);
  CHECK(mininmt::tanh(std::numeric_limits<float>::lowest()) == -1);
  CHECK(mininmt::tanh(1e30f) == 1);
  CHECK(std::isnan(mininmt::tanh(kNan)));
  CHECK(std::isnan(mininmt::tanh(-kNan)));
  float largest = 0, asymmetry = 0;
  for (int i = 0; i < 400'009; ++i) {
    const float x = static_cast<float>(i) * 5e-5f;
    largest = std::max({largest, mininmt::tanh(x), -mininmt::tanh(-x)});
    asymmetry = std::max(asymmetry, std::abs(mininmt::tanh(x) + mininmt::tanh(-x)));
  }
  CHECK(largest <= 1);
  CHECK(asymmetry <= 2e-7f);
}

TEST_CASE("sigmoid: absolute error everywhere, relative error down to e^-87") {
  CHECK(errors(-30, 30, float_sigmoid, exact_sigmoid).absolute <= 1.2e-7);
  CHECK(errors(-87, 88, float_sigmoid, exact_sigmoid).relative <= 3e-7);
  CHECK(relative_error_near_zero(float_sigmoid, exact_sigmoid) <= 1.2e-7);
}

TEST_CASE("sigmoid: edges, never outside of [0, 1]") {
  CHECK(mininmt::sigmoid(0.0f) == 0.5f);
  CHECK(mininmt::sigmoid(kInfinity) == 1);
  CHECK(mininmt::sigmoid(1e30f) == 1);
  CHECK(mininmt::sigmoid(-kInfinity) >= 0);
  CHECK(mininmt::sigmoid(-kInfinity) < 1e-38f);
  CHECK(mininmt::sigmoid(-1e30f) < 1e-38f);
  CHECK(std::isnan(mininmt::sigmoid(kNan)));
  for (int i = -200'000; i < 200'000; ++i) {
    const float y = mininmt::sigmoid(static_cast<float>(i) * 1e-3f);
    if (!(y >= 0 && y <= 1)) FAIL_CHECK("outside at " << i);
  }
}

TEST_CASE(
    "log and log1p: units in the last place over all floats, subnormal, negative, infinite and NaN ones "
    "too") {
  CHECK(units_over_all_floats(float_log, [](double x) { return std::log(x); }) <= 0.8);
  CHECK(units_over_all_floats(float_log1p, [](double x) { return std::log1p(x); }) <= 0.8);
}

TEST_CASE("log1p: relative error near 0; units in the last place towards -1, where 1 + x cancels") {
  CHECK(relative_error_near_zero(float_log1p, [](double x) { return std::log1p(x); }) <= 1e-7);
  double worst = 0;
  for (float x = -1 + 0x1p-24f; x < -0.9999f; x += 0x1p-24f) {
    const double expected = std::log1p(static_cast<double>(x));
    worst = std::max(worst, std::abs(mininmt::log1p(x) - expected) / -expected);
  }
  CHECK(worst <= 1e-7);
}

TEST_CASE("log and log1p: edges") {
  CHECK(mininmt::log(1.0f) == 0);
  CHECK(mininmt::log(0.0f) == -kInfinity);
  CHECK(mininmt::log(-0.0f) == -kInfinity);
  CHECK(mininmt::log(kSmallest) == doctest::Approx(-149 * std::log(2.0)));
  CHECK(mininmt::log(kInfinity) == kInfinity);
  CHECK(std::isnan(mininmt::log(-kSmallest)));
  CHECK(std::isnan(mininmt::log(-kInfinity)));
  CHECK(std::isnan(mininmt::log(kNan)));
  CHECK(mininmt::log1p(0.0f) == 0);
  CHECK(mininmt::log1p(kSmallest) == kSmallest);
  CHECK(mininmt::log1p(-1.0f) == -kInfinity);
  CHECK(mininmt::log1p(kInfinity) == kInfinity);
  CHECK(std::isnan(mininmt::log1p(std::nextafter(-1.0f, -2.0f))));
  CHECK(std::isnan(mininmt::log1p(-kInfinity)));
  CHECK(std::isnan(mininmt::log1p(kNan)));
}

TEST_CASE("in double they are the standard library's") {
  for (const double x : {-30.0, -1.0, -0.0, 1e-300, 0.5, 700.0}) {
    CHECK(mininmt::exp(x) == std::exp(x));
    CHECK(mininmt::log1p(std::abs(x)) == std::log1p(std::abs(x)));
    CHECK(mininmt::log(std::abs(x)) == std::log(std::abs(x)));
    CHECK(mininmt::tanh(x) == std::tanh(x));
    CHECK(mininmt::sigmoid(x) == doctest::Approx(1 / (1 + std::exp(-x))).epsilon(1e-15));
  }
  CHECK(std::isnan(mininmt::tanh(std::nan(""))));
}

TEST_CASE("the slopes, from the outputs") {
  for (const double x : {-3.0, -0.5, 0.0, 1.0, 2.5}) {
    const double h = 1e-6;
    CHECK(tanh_slope(std::tanh(x)) ==
          doctest::Approx((std::tanh(x + h) - std::tanh(x - h)) / (2 * h)).epsilon(1e-8));
    CHECK(sigmoid_slope(exact_sigmoid(x)) ==
          doctest::Approx((exact_sigmoid(x + h) - exact_sigmoid(x - h)) / (2 * h)).epsilon(1e-8));
  }
}

}  // namespace mininmt
