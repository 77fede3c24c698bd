// Optimizers against steps computed by hand from the papers' formulas; norm and clipping.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "nn/training/optimizer.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Three updates from x = 1 with gradients 0.5, -0.25, 1 (times `factor`): x after each.
std::vector<double> three_updates(const std::string& name, double rate, real factor = 1) {
  const auto optimizer = make_optimizer(name, rate, Tensor({2}));
  const Tensor x = Tensor::from({2}, {1, 1});
  std::vector<double> found;
  for (double g : {0.5, -0.25, 1.0}) {
    optimizer->update(x, Tensor::from({2}, {static_cast<real>(g / factor), 0}), factor);
    found.push_back(x.data()[0]);
    CHECK(x.data()[1] == 1);  // no gradient, no change
  }
  return found;
}

void check_steps(const std::vector<double>& found, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < 3; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

TEST_CASE("SGD subtracts the gradient times the rate") {
  check_steps(three_updates("sgd", 0.1), {0.95, 0.975, 0.875});
}

// Kingma and Ba 2015, algorithm 1. m: 0.05, 0.02, 0.118; v: 2.5e-4, 3.1225e-4, 1.31193775e-3. The step is
// m / (1 - 0.9^t) over the root of v / (1 - 0.999^t):
//   t = 1: 0.5 / 0.5 = 1
//   t = 2: (0.02 / 0.19) / sqrt(3.1225e-4 / 1.999e-3) = 0.1052632 / 0.3952231 = 0.2663386
//   t = 3: (0.118 / 0.271) / sqrt(1.31193775e-3 / 2.997001e-3) = 0.4354244 / 0.6616284 = 0.6581103
TEST_CASE("Adam corrects the bias of its moments") {
  check_steps(three_updates("adam", 0.1), {0.9, 0.9 - 0.02663386, 0.9 - 0.02663386 - 0.06581103});
}

// The Transformer's constants are options. Beta 0.98: v is 0.005, 0.00615; the second step is
// (0.02 / 0.19) / sqrt(0.00615 / 0.0396) = 0.1052632 / 0.3940851 = 0.2671076. Epsilon 1.5: the first is
// 0.5 / (0.5 + 1.5).
TEST_CASE("Adam takes another decay of squares, and another epsilon") {
  const Tensor x = Tensor::from({1}, {1});
  const auto optimizer = make_optimizer("adam", 0.1, Tensor({1}));
  optimizer->adam_beta2 = 0.98;
  for (double g : {0.5, -0.25}) optimizer->update(x, Tensor::from({1}, {static_cast<real>(g)}), 1);
  CHECK(x.data()[0] == doctest::Approx(0.9 - 0.02671076).epsilon(1e-6));
  const auto blunt = make_optimizer("adam", 0.1, Tensor({1}));
  blunt->adam_epsilon = 1.5;
  x.fill(1);
  blunt->update(x, Tensor::from({1}, {real{0.5f}}), 1);
  CHECK(x.data()[0] == doctest::Approx(0.975).epsilon(1e-6));
}

// Zeiler 2012, algorithm 1, rho 0.95, epsilon 1e-6. E[g^2]: 0.0125, 0.015, 0.06425.
//   t = 1: sqrt(1e-6 / 0.012501) 0.5 = 4.4719573e-3, E[dx^2] = 0.05 x 1.99984e-5 = 9.9992001e-7
//   t = 2: sqrt(1.99992001e-6 / 0.015001) (-0.25) = -2.8865876e-3,
//          E[dx^2] = 9.4992401e-7 + 0.05 x 8.3323876e-6 = 1.3665434e-6
//   t = 3: sqrt(2.3665434e-6 / 0.064251) = 6.0690182e-3
TEST_CASE("Adadelta divides by the root of the mean square, times that of its own steps") {
  const double a = 1 - 4.4719573e-3, b = a + 2.8865876e-3, c = b - 6.0690182e-3;
  check_steps(three_updates("adadelta", 1), {a, b, c});
  check_steps(three_updates("adadelta", 0.5), {1 - (1 - a) / 2, 1 - (1 - b) / 2, 1 - (1 - c) / 2});
}

// Four updates from x = 0, compared with the paper's formula in double. For gradients small relative to
// epsilon it matters whether epsilon is inside the root.
using Formula = std::function<double(int t, double g, double& first, double& second)>;  // the step

void check_small(const std::string& name, double gradient, const Formula& formula) {
  const auto optimizer = make_optimizer(name, 1, Tensor({1}));
  const Tensor x = Tensor::zeros({1});
  double expected = 0, first = 0, second = 0;
  for (int t = 1; t <= 4; ++t) {
    const real g = static_cast<real>(gradient * t);
    optimizer->update(x, Tensor::from({1}, {g}), 1);
    expected -= formula(t, g, first, second);
    CHECK(x.item() == doctest::Approx(expected).epsilon(1e-4).scale(0));
  }
}

TEST_CASE("Adam adds epsilon to the root, which small gradients show") {
  for (const double gradient : {1e-9, 1e-7, -1e-8})
    check_small("adam", gradient, [](int t, double g, double& m, double& v) {
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      return m / (1 - std::pow(0.9, t)) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
    });
}

TEST_CASE("Adadelta adds epsilon inside both roots, which small gradients show") {
  for (const double gradient : {1e-9, 1e-3, -1e-4})
    check_small("adadelta", gradient, [](int, double g, double& squares, double& steps) {
      squares = 0.95 * squares + 0.05 * g * g;
      const double step = std::sqrt(steps + 1e-6) / std::sqrt(squares + 1e-6) * g;
      steps = 0.95 * steps + 0.05 * step * step;
      return step;
    });
}

TEST_CASE("an update of other parameters, or of parameters on the CPU as if on a GPU, is refused") {
  for (const char* name : {"sgd", "adam", "adadelta"}) {
    const Tensor x = Tensor::zeros({3}), gradient = Tensor::zeros({3});
    const auto optimizer = make_optimizer(name, 0.1, x);
    CHECK_THROWS_WITH_AS(optimizer->update(x, gradient, nullptr, nullptr),
                         "[Optimizer] parameters on the CPU can't be updated by the GPU", Error);
    CHECK_THROWS_WITH_AS(optimizer->update(Tensor::zeros({4}), Tensor::zeros({4}), 1),
                         "[Optimizer] made for 3 parameters, got 4 and 4 gradients", Error);
    CHECK_THROWS_AS(optimizer->update(x, Tensor::zeros({2}), 1), Error);
  }
}

TEST_CASE("the factor of the clipping acts on the gradient") {
  for (const char* name : {"sgd", "adam", "adadelta"})
    check_steps(three_updates(name, 0.1, 0.125f), three_updates(name, 0.1));
}

TEST_CASE("a block of any size is updated to its last element") {
  for (std::int64_t size : {1, 31, 33, 1000, 100003})
    for (const char* name : {"sgd", "adam", "adadelta"}) {
      const auto optimizer = make_optimizer(name, 0.1, Tensor({size}));
      const Tensor x = Tensor::zeros({size}), gradient = Tensor::zeros({size});
      gradient.fill(1);
      optimizer->update(x, gradient, 1);
      for (real v : x.values()) REQUIRE(v == x.data()[0]);
      CHECK(x.data()[0] < 0);
    }
}

TEST_CASE("an unknown optimizer is refused with those that there are") {
  CHECK_THROWS_WITH_AS(make_optimizer("lion", 1, Tensor({1})), doctest::Contains("adadelta, adam or sgd"),
                       UsageError);
}

TEST_CASE("the norm of a block") {
  CHECK(l2_norm(Tensor::from({2}, {3, -4})) == doctest::Approx(5));
  const Tensor large = Tensor::zeros({100003});
  large.fill(0.5f);
  CHECK(l2_norm(large) == doctest::Approx(0.5 * std::sqrt(100003.0)).epsilon(1e-12));
  for (real bad : {std::numeric_limits<real>::quiet_NaN(), std::numeric_limits<real>::infinity()}) {
    large.data()[99999] = bad;
    CHECK_FALSE(std::isfinite(l2_norm(large)));
  }
}

TEST_CASE("clipping brings a larger norm down to the limit and leaves a smaller one") {
  CHECK(clip_factor(4, 1) == doctest::Approx(0.25));
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(clip_factor(1, 1) == 1);
  CHECK(clip_factor(1e9, 0) == 1);
}

}  // namespace
}  // namespace mininmt
