#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "tensor/random.h"

namespace mininmt {
namespace {

using Words = std::array<std::uint32_t, 4>;

struct Moments {
  double mean, variance, kurtosis;
};

template <class Draw>
Moments moments(int count, const Draw& draw) {
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const double x = draw(static_cast<std::uint64_t>(i));
    sum += x, squares += x * x;
  }
  const double mean = sum / count, variance = squares / count - mean * mean;
  for (int i = 0; i < count; ++i) fourth += std::pow(draw(static_cast<std::uint64_t>(i)) - mean, 4);
  return {mean, variance, fourth / count / (variance * variance)};
}

}  // namespace

TEST_CASE("philox: the known answers of Random123 (kat_vectors, philox4x32 10)") {
  const std::uint32_t all = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({all, all, all, all}, {all, all}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a number is a function of seed, stream and position: all 64 bits of each count") {
  const Random random{1, 2};
  CHECK(random.bits(1000) == Random{1, 2}.bits(1000));
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t flip = std::uint64_t{1} << bit;
    CHECK(Random{1 ^ flip, 2}.block(3) != random.block(3));
    CHECK(Random{1, 2 ^ flip}.block(3) != random.block(3));
    CHECK(random.block(3 ^ flip) != random.block(3));
  }
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(random.bits(i) == random.block(i / 4)[i % 4]);
}

TEST_CASE("numbers in a row, of streams in a row and of seeds in a row don't repeat") {
  std::set<std::uint32_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    seen.insert(Random{0, 0}.bits(i));
    seen.insert(Random{0, 1 + i}.bits(0));
    seen.insert(Random{1 + i, 0}.bits(0));
  }
  CHECK(seen.size() >= 2998);  // of 3000 draws out of 2^32, about 0.001 pairs are equal by chance
}

TEST_CASE("uniform: mean, variance and twenty even bins; never 0 nor 1") {
  const Random random{7, 0};
  const int count = 200'000;
  const Moments m = moments(count, [&](std::uint64_t i) { return random.uniform(i); });
  CHECK(m.mean == doctest::Approx(0.5).epsilon(0.005));          // 3.9 standard errors
  CHECK(m.variance == doctest::Approx(1 / 12.0).epsilon(0.01));  // 5 standard errors
  std::vector<int> bins(20);
  for (int i = 0; i < count; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    if (!(u > 0 && u < 1)) FAIL("number " << i << " is " << u);
    ++bins[static_cast<std::size_t>(u * 20)];
  }
  double chi_squared = 0;
  for (const int n : bins) chi_squared += (n - 10'000.0) * (n - 10'000.0) / 10'000;
  CHECK(chi_squared < 43.8);  // 19 degrees of freedom: one in a thousand
  CHECK(chi_squared > 4.9);   // but not too even either
}

TEST_CASE("normal: moments, tails, and no correlation from one to the next") {
  const Random random{8, 5};
  const int count = 200'000;
  const auto draw = [&](std::uint64_t i) { return random.normal(i); };
  const Moments m = moments(count, draw);
  CHECK(std::abs(m.mean) < 0.01);
  CHECK(m.variance == doctest::Approx(1).epsilon(0.015));
  CHECK(m.kurtosis == doctest::Approx(3).epsilon(0.02));
  int beyond_two = 0;
  double product = 0;
  for (int i = 0; i < count; ++i) {
    const double x = draw(static_cast<std::uint64_t>(i));
    if (!std::isfinite(x)) FAIL("number " << i << " is " << x);
    beyond_two += std::abs(x) > 2;
    product += x * draw(static_cast<std::uint64_t>(i) + 1);
  }
  CHECK(beyond_two / static_cast<double>(count) == doctest::Approx(0.0455).epsilon(0.05));
  CHECK(std::abs(product / count) < 0.01);
}

TEST_CASE("words of all zeros and all ones are no end of (0, 1), and finite as normal numbers") {
  const std::uint32_t all = 0xffffffff;
  CHECK(open_unit(0) == 0x1p-33);
  CHECK(open_unit(all) == 1 - 0x1p-33);
  for (const std::uint32_t u : {std::uint32_t{0}, std::uint32_t{1}, all - 1, all})
    for (const std::uint32_t v : {std::uint32_t{0}, std::uint32_t{1}, all / 4, all / 2, all - 1, all}) {
      const double x = standard_normal(u, v);
      CHECK(std::isfinite(x));
      CHECK(std::abs(x) < 6.8);
      CHECK((u < 2 || std::abs(x) < 3e-5));
    }
  CHECK(standard_normal(0, 0) == doctest::Approx(std::sqrt(66 * std::log(2.0))));
}

}  // namespace mininmt
