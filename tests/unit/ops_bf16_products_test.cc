// Products of operands rounded to bf16. Where a CPU has no instructions for them, oneDNN computes them all the same,
// slowly.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "nn/training/update.h"
#include "ops/bf16_products.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/output.h"
#include "ops/reduce.h"
#include "ops/softmax_xent.h"
#include "tensor/random.h"
#include "tests/models/model_table.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {
namespace {

double to_bf16(real x) {
  int exponent;
  const double fraction = std::frexp(static_cast<double>(x), &exponent);
  return std::ldexp(std::nearbyint(fraction * 256), exponent - 8);
}

// An operand (rows, columns), kept as it is or transposed, with gaps between what it has in sequence.
struct Operand {
  Operand(std::int64_t rows, std::int64_t columns, bool is_transposed, std::uint64_t seed)
      : transposed(is_transposed),
        stride((is_transposed ? rows : columns) + 3),
        values(static_cast<std::size_t>(stride * (is_transposed ? columns : rows))) {
    const Random random{seed, 5};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<real>(random.normal(i));
  }
  Matrix matrix() const { return {values.data(), stride, transposed}; }
  real at(std::int64_t i, std::int64_t j) const {
    return values[transposed ? j * stride + i : i * stride + j];
  }

  bool transposed;
  std::int64_t stride;
  std::vector<real> values;
};

struct Product {
  std::int64_t m, n, k;
  Operand a, b;
  std::vector<real> c = std::vector<real>(m * (n + 2), real{0.5});

  Product(std::int64_t rows, std::int64_t columns, std::int64_t inner, bool a_transposed, bool b_transposed)
      : m(rows), n(columns), k(inner), a(m, k, a_transposed, 1), b(k, n, b_transposed, 2) {}

  // C += A B is near the product of what `rounded` makes of the numbers, and beside it nothing has changed.
  template <class Rounded>
  void check(double tolerance, const Rounded& rounded) {
    const std::vector<real> before = c;
    for (const bool add : {true, false}) {
      gemm(m, n, k, a.matrix(), b.matrix(), c.data(), n + 2, add);
      double largest = 0;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n + 2; ++j) {
          double sum = add || j >= n ? static_cast<double>(before[i * (n + 2) + j]) : 0;
          for (std::int64_t p = 0; j < n && p < k; ++p) sum += rounded(a.at(i, p)) * rounded(b.at(p, j));
          largest = std::max(largest, std::abs(static_cast<double>(c[i * (n + 2) + j]) - sum));
        }
      CHECK_MESSAGE(largest <= tolerance * std::sqrt(static_cast<double>(k)), m, " ", n, " ", k);
    }
  }
};

const auto exactly = [](real x) { return static_cast<double>(x); };

const std::vector<std::array<std::int64_t, 3>> kShapes = {{1, 1, 1},    {1, 5, 3},    {5, 7, 64},
                                                          {12, 33, 20}, {64, 40, 31}, {3, 200, 129}};

template <class Work>
void each_product(const Work& work) {
  for (const auto& [m, n, k] : kShapes)
    for (const bool a_transposed : {false, true})
      for (const bool b_transposed : {false, true}) {
        Product product(m, n, k, a_transposed, b_transposed);
        work(product);
      }
}

const bool can = can_multiply_bf16();

TEST_CASE("bf16: the product of rounded numbers, of weights and of others" * doctest::skip(!can)) {
  each_product([](Product& product) {
    for (const bool is_weight : {false, true}) {
      Bf16Products products(is_weight ? std::span<const real>(product.b.values) : std::span<const real>());
      const Bf16Products::Use use(products);
      product.check(2e-6, to_bf16);
      product.check(2e-6, to_bf16);
    }
  });
}

TEST_CASE("bf16: weights that changed since the last use are rounded again" * doctest::skip(!can)) {
  Product product(4, 6, 32, false, true);
  Bf16Products products(product.b.values);
  for (const real factor : {real{1}, real{-1.7F}, real{0.3F}}) {
    for (real& x : product.b.values) x *= factor;
    const Bf16Products::Use use(products);
    product.check(2e-6, to_bf16);
  }
}

TEST_CASE("bf16: exact before, after, and where it is asked for" * doctest::skip(!can)) {
  Product product(4, 6, 32, false, true);
  Bf16Products products(product.b.values);
  product.check(1e-6, exactly);
  {
    const Bf16Products::Use use(products);
    CHECK_THROWS_WITH_AS(Bf16Products::Use{products}, "[Bf16Products] two uses at once", Error);
    const Bf16Products::Exactly exact;
    product.check(1e-6, exactly);
    std::thread([&] { product.check(2e-6, to_bf16); }).join();  // another thread's are rounded
  }
  product.check(1e-6, exactly);
}

TEST_CASE("bf16: threads share the weights" * doctest::skip(!can)) {
  std::vector<Product> own(4, Product(5, 40, 33, false, true));
  Bf16Products products(own[0].b.values);
  const real* const W = own[0].b.values.data();
  std::vector<std::thread> threads;
  const Bf16Products::Use use(products);
  for (Product& product : own)
    threads.emplace_back([&product, W] {
      for (int i = 0; i < 50; ++i)
        gemm(product.m, product.n, product.k, product.a.matrix(), {W, product.b.stride, true},
             product.c.data(), product.n + 2, false);
    });
  for (std::thread& thread : threads) thread.join();
  for (Product& product : own) CHECK(product.c == own[0].c);
}

TEST_CASE("bf16: numbers are rounded to the nearest, ties to even, and no others are written") {
  const real huge = std::numeric_limits<real>::max(), infinity = std::numeric_limits<real>::infinity();
  // 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3 * 2^-8 between that and 1 + 2^-6
  std::vector<real> x = {
      0, -0.0F, 1, real{1.00390625}, real{1.01171875}, real{-3.14159274}, real{1e-30}, infinity, -infinity};
  const Random random{3, 7};
  while (x.size() < 70) x.push_back(static_cast<real>(random.normal(x.size())));
  for (std::size_t n = 0; n <= x.size(); ++n) {
    std::vector<Bf16> y(n + 1, 7);
    round_to_bf16(static_cast<std::int64_t>(n), x.data(), y.data());
    CHECK(y[n] == 7);
    std::vector<real> z(n, 0);
    add_scaled(static_cast<std::int64_t>(n), 2, y.data(), z.data());
    for (std::size_t i = 0; i < n; ++i)
      CHECK(static_cast<double>(z[i]) == (std::isinf(x[i]) ? static_cast<double>(x[i]) : 2 * to_bf16(x[i])));
  }
  const std::vector<real> special = {std::nanf(""), huge};
  std::vector<Bf16> y(2);
  round_to_bf16(2, special.data(), y.data());
  std::vector<real> z(2, 0);
  add_scaled(2, 1, y.data(), z.data());
  CHECK(std::isnan(z[0]));
  CHECK(std::isinf(z[1]));
}

struct OutputGradients {
  Tensor loss, dt, dW, db;
};

OutputGradients output_layer(std::int64_t rows, std::int64_t l, std::int64_t words, bool composed) {
  Parameters parameters;
  const Parameter &t = parameters.add("t", {rows, l}, Initial::normal(1)),
                  &W = parameters.add("W", {words, l}, Initial::normal(0.5)),
                  &b = parameters.add("b", {words}, Initial::uniform(1));
  parameters.allocate();
  parameters.initialize(5);
  std::vector<Id> targets;
  std::vector<real> weights;
  for (std::int64_t i = 0; i < rows; ++i) {
    targets.push_back(i % 7 == 3 ? kNone : static_cast<Id>(i * 13 % words));
    weights.push_back(static_cast<real>(0.25 + static_cast<double>(i % 5)));
  }
  const Tensor gradients = parameters.new_gradients();
  Tape tape(gradients);
  const Var x = tape.leaf(t), loss = composed
                                         ? softmax_xent(linear(x, tape.leaf(W), tape.leaf(b)), targets, 0.1)
                                         : output_losses(x, tape.leaf(W), tape.leaf(b), targets, 0.1);
  tape.backward(sum(multiply(loss, tape.constant(Tensor::from({rows}, weights)))));
  return {loss.value().clone(), Parameters::view(gradients, t).clone(),
          Parameters::view(gradients, W).clone(), Parameters::view(gradients, b).clone()};
}

void check_near(const Tensor& x, const Tensor& expected, double tolerance) {
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < x.values().size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected.values()[i])));
    difference = std::max(difference, std::abs(static_cast<double>(x.values()[i] - expected.values()[i])));
  }
  CHECK(difference <= tolerance * largest);
}

// More rows than are computed at once.
TEST_CASE("bf16: the output layer's losses and gradients are near those of its parts in float32") {
  for (const std::int64_t rows : {1, 128, 300}) {
    const OutputGradients expected = output_layer(rows, 24, 50, true);
    const auto check = [&](const OutputGradients& found, double tolerance) {
      check_near(found.loss, expected.loss, tolerance);
      check_near(found.dt, expected.dt, tolerance);
      check_near(found.dW, expected.dW, tolerance);
      check_near(found.db, expected.db, tolerance);
    };
    check(output_layer(rows, 24, 50, false), 1e-5);
    if (!can) continue;
    Bf16Products products({});
    const Bf16Products::Use use(products);
    check(output_layer(rows, 24, 50, false), 0.02);
  }
}

TEST_CASE("bf16: a rounded operand wants a use" * doctest::skip(!can)) {
  const Bf16 a = 0x3f80;
  const real b = 1;
  real c = 0;
  const auto multiply = [&] { Bf16Products::multiply(1, 1, 1, &a, false, {&b, 1}, &c, 1, false); };
  CHECK_THROWS_WITH_AS(multiply(), "[Bf16Products] a rounded operand where no use lives", Error);
}

// Costs of updates of every model.
std::vector<double> costs_of(const ModelRow& row, bool bf16, int threads) {
  const SentencePairs pairs = random_pairs(12);
  Recipe recipe = plain_recipe();
  recipe.cost_type = "ce-mean";
  recipe.bf16 = bf16;
  recipe.parts = 2;
  const auto model = random_model(row.config, 1, 0.3);
  const auto updater = make_updater(*model, recipe, threads);
  std::vector<double> costs;
  for (int update = 0; update < 5; ++update)
    costs.push_back(updater->update(pairs.pick({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})).cost);
  return costs;
}

TEST_CASE("bf16: every model learns as in float32, by little otherwise, and the same again on one thread" *
          doctest::skip(!can)) {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    const std::vector<double> exact = costs_of(row, false, 2), rounded = costs_of(row, true, 2);
    CHECK(costs_of(row, true, 2) == rounded);
    CHECK(costs_of(row, true, 1) == rounded);
    CHECK(rounded != exact);
    for (std::size_t i = 0; i < exact.size(); ++i)
      CHECK(rounded[i] == doctest::Approx(exact[i]).epsilon(0.02));
  }
}

TEST_CASE("bf16: why there is none") {
  const std::string why = why_no_bf16();
  if (can)
    CHECK((why.empty() || why.starts_with("this CPU has no instructions for bf16")));
  else
    CHECK(!why.empty());
}

}  // namespace
}  // namespace mininmt
