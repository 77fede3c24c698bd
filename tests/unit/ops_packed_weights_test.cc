// Products with packed weights, of which gemm() takes its second operands.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "ops/bf16_products.h"
#include "ops/packed_weights.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

std::vector<real> random_values(std::int64_t size, std::uint64_t seed) {
  const Random random{seed, 5};
  std::vector<real> values(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<real>(random.normal(i));
  return values;
}

// Of x (m, k) by W^T, W (n, k) behind other matrices of a block. Rows of x and y are further apart than long.
struct Product {
  std::int64_t m, n, k;
  std::vector<real> block = random_values(100 + n * k, 1), x = random_values(m * (k + 3), 2),
                    y = random_values(m * (n + 2), 3);

  const real* W() const { return block.data() + 100; }
  void run(bool add) { gemm(m, n, k, {x.data(), k + 3}, {W(), k, true}, y.data(), n + 2, add); }

  // y is near the product of what `rounded` makes of a row; beside it nothing has changed.
  template <class Rounded>
  void check(const std::vector<real>& before, bool add, double tolerance, const Rounded& rounded) const {
    std::vector<std::vector<double>> rows;
    for (std::int64_t j = 0; j < n; ++j) rows.push_back(rounded(W() + j * k, k));
    double largest = 0;
    for (std::int64_t i = 0; i < m; ++i) {
      const std::vector<double> row = rounded(x.data() + i * (k + 3), k);
      for (std::int64_t j = 0; j < n + 2; ++j) {
        const std::int64_t at = i * (n + 2) + j;
        double sum = j < n && !add ? 0 : static_cast<double>(before[at]);
        for (std::int64_t p = 0; j < n && p < k; ++p) sum += row[p] * rows[j][p];
        largest = std::max(largest, std::abs(static_cast<double>(y[at]) - sum));
      }
    }
    CHECK_MESSAGE(largest <= tolerance * std::sqrt(static_cast<double>(k)), m, " ", n, " ", k,
                  std::string(add ? " added" : ""));
  }
};

std::vector<double> as_they_are(const real* x, std::int64_t n) { return {x, x + n}; }

std::vector<double> to_bf16(const real* x, std::int64_t n) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i) {
    int exponent;
    const double fraction = std::frexp(static_cast<double>(x[i]), &exponent);
    values.push_back(std::ldexp(std::nearbyint(fraction * 256), exponent - 8));
  }
  return values;
}

std::vector<double> to_int8(const real* x, std::int64_t n) {
  double largest = 0;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max<double>(largest, std::abs(x[i]));
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(std::floor(static_cast<double>(x[i]) * 127 / largest + 0.5) * largest / 127);
  return values;
}

template <class Rounded>
void check_products(WeightFormat format, double tolerance, const Rounded& rounded) {
  for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{
           {1, 1, 1}, {1, 5, 3}, {5, 7, 64}, {12, 33, 20}, {64, 40, 31}, {65, 40, 31}, {3, 200, 129}}) {
    Product product{m, n, k};
    const PackedWeights packed(product.block, format);
    for (const bool add : {false, true, false}) {  // at the first packed, then there
      const std::vector<real> before = product.y;
      product.run(add);
      product.check(before, add, tolerance, rounded);
    }
  }
}

bool has(WeightFormat format) { return why_no_weights(format).empty(); }

TEST_CASE("packed weights: float32 as without them") {
  check_products(WeightFormat::kFloat32, 1e-5, as_they_are);
}

TEST_CASE("packed weights: int8 is the product of rounded rows" * doctest::skip(!has(WeightFormat::kInt8))) {
  check_products(WeightFormat::kInt8, 2e-6, to_int8);
  Product product{3, 4, 8};
  const PackedWeights packed(product.block, WeightFormat::kInt8);
  CHECK(packed.bytes() == 0);
  std::fill(product.x.begin(), product.x.begin() + 8, real{0});
  product.x[11 + 2] = std::nanf("");
  product.run(false);
  CHECK(packed.bytes() >= 4 * 8);
  for (int j = 0; j < 4; ++j) {
    CHECK(product.y[j] == 0);
    CHECK(std::isnan(product.y[6 + j]));
    CHECK(std::isfinite(product.y[12 + j]));
  }
}

TEST_CASE("packed weights: bf16 is the product of rounded numbers" * doctest::skip(!can_multiply_bf16())) {
  check_products(WeightFormat::kBf16, 2e-6, to_bf16);
}

TEST_CASE("packed weights: only for their block, only as W^T, and while they live" *
          doctest::skip(!has(WeightFormat::kInt8))) {
  Product product{4, 6, 32}, other{4, 6, 32};
  product.run(false);
  const std::vector<real> exact = product.y;
  std::optional<PackedWeights> packed(std::in_place, product.block, WeightFormat::kInt8);
  product.run(false);
  CHECK(product.y != exact);
  other.run(false);
  CHECK(other.y == exact);
  std::vector<real> of_W(4 * 32), of_copy(4 * 32);  // x W, as in a gradient
  gemm(4, 32, 6, {product.x.data(), 35}, {product.W(), 32}, of_W.data(), 32, false);
  gemm(4, 32, 6, {product.x.data(), 35}, {other.W(), 32}, of_copy.data(), 32, false);
  CHECK(of_W == of_copy);
  packed.reset();
  product.run(false);
  CHECK(product.y == exact);
}

TEST_CASE("packed weights: threads multiply by them at the same time") {
  for (const WeightFormat format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    if (!has(format)) continue;
    constexpr int kThreads = 4;
    constexpr std::int64_t m = 40, n = 51, k = 17;
    const std::vector<real> W = random_values(n * k, 1);
    const PackedWeights packed(W, format);
    std::vector<int> wrong(kThreads, 0);
#pragma omp parallel for num_threads(kThreads)
    for (int thread = 0; thread < kThreads; ++thread) {  // each with another x
      const std::vector<real> x = random_values(m * k, 10 + static_cast<std::uint64_t>(thread));
      std::vector<real> first(m * n), y(m * n);
      for (int i = 0; i < 500; ++i) {
        gemm(m, n, k, {x.data(), k}, {W.data(), k, true}, (i == 0 ? first : y).data(), n, false);
        wrong[thread] += i > 0 && y != first;
      }
    }
    CHECK(wrong == std::vector<int>(kThreads, 0));
  }
}

TEST_CASE("packed weights: why there are none") {
  CHECK(why_no_weights(WeightFormat::kFloat32).empty());
  for (const WeightFormat format : {WeightFormat::kBf16, WeightFormat::kInt8}) {
    const std::string why = why_no_weights(format);
    CHECK_MESSAGE((why.empty() || why.find("this CPU has no instructions for ") == 0 ||
                   why == "this program was built without oneDNN"),
                  why);
  }
}

}  // namespace
}  // namespace mininmt
