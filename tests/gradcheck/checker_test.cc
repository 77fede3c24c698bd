// The gradient checker itself: it must accept correct gradients and detect every kind of wrong one.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/gradcheck.h"
#include "ops/elementwise.h"

namespace mininmt {
namespace {

struct Model {
  Parameters parameters;
  Parameter& x = parameters.add("x", {3, 4});
  Parameter& w = parameters.add("w", {4});

  Model() {
    parameters.allocate();
    for (std::int64_t i = 0; i < parameters.size(); ++i)
      parameters.values().data()[i] = 0.3 * static_cast<double>(i % 7) - 0.8;
  }
};

// The derivative of y = x^2 w, element by element, by `dx` and `dw`.
struct Element {
  std::int64_t i;
  double x, w, dy;
};
using Slope = double (*)(const Element&);
double right_dx(const Element& e) { return 2 * e.x * e.w * e.dy; }
double right_dw(const Element& e) { return e.x * e.x * e.dy; }

Var square_times(Var x, Var w, Slope dx, Slope dw) {
  Tensor y(x.shape());
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const double value = x.value().data()[i];
    y.data()[i] = value * value * w.value().data()[i % 4];
  }
  return x.tape->record("square_times", y, {x, w}, [=](const Tensor&, const Tensor& dy) {
    for (std::int64_t i = 0; i < dy.size(); ++i) {
      const Element e{i, x.value().data()[i], w.value().data()[i % 4], dy.data()[i]};
      x.gradient().data()[i] += dx(e);
      w.gradient().data()[i % 4] += dw(e);
    }
  });
}

GradcheckResult check(Slope dx, Slope dw, std::int64_t per_parameter = 1 << 30) {
  Model model;
  return check_gradients(
      model.parameters,
      [&](Tape& tape) { return square_times(tape.leaf(model.x), tape.leaf(model.w), dx, dw); }, 1,
      per_parameter);
}

}  // namespace

TEST_CASE("a right gradient passes, every element of it") {
  const GradcheckResult result = check(right_dx, right_dw);
  CHECK(result.passed());
  CHECK(result.elements == 16);
  CHECK(result.failures == 0);
  CHECK(result.max_relative < 1e-7);
  CHECK(result.max_absolute < 1e-8);
}

TEST_CASE("a factor of 1 + 1e-5 on one element is flagged, and that element is named") {
  const auto off = [](const Element& e) { return right_dx(e) * (e.i == 6 ? 1 + 1e-5 : 1); };
  const GradcheckResult result = check(off, right_dw);
  CHECK(!result.passed());
  CHECK(result.failures == 1);
  CHECK(result.worst.substr(0, 6) == "x[6]: ");
  CHECK(result.max_relative == doctest::Approx(1e-5).epsilon(0.01));
}

TEST_CASE("a wrong sign is flagged on every element") {
  CHECK(check([](const Element& e) { return -right_dx(e); }, right_dw).failures == 12);
  CHECK(check(right_dx, [](const Element& e) { return -right_dw(e); }).failures == 4);
}

TEST_CASE("a missing term is flagged") {
  CHECK(check([](const Element& e) { return e.x * e.w * e.dy; }, right_dw).failures == 12);
  CHECK(check(right_dx, [](const Element&) { return 0.0; }).failures == 4);
  // Sums only the first row.
  CHECK(check(right_dx, [](const Element& e) { return e.i < 4 ? right_dw(e) : 0.0; }).failures == 4);
}

TEST_CASE("a gradient that is not a number is flagged") {
  const auto nan = [](const Element& e) {
    return e.i == 3 ? std::numeric_limits<double>::quiet_NaN() : right_dx(e);
  };
  const GradcheckResult result = check(nan, right_dw);
  CHECK(result.failures == 1);
  CHECK(!result.passed());
}

TEST_CASE("with a limit, that many elements of each parameter are checked, from its start to its end") {
  CHECK(check(right_dx, right_dw, 3).elements == 6);
  CHECK(check(right_dx, right_dw, 4).elements == 8);
  // Of the 12 elements of x, three are checked: 0, 4, 8.
  const auto off_at_8 = [](const Element& e) { return right_dx(e) * (e.i == 8 ? 2 : 1); };
  CHECK(check(off_at_8, right_dw, 3).failures == 1);
}

TEST_CASE("the check leaves the parameters as they were") {
  Model model;
  const Tensor before = model.parameters.values().clone();
  check_gradients(model.parameters, [&](Tape& tape) { return tanh(tape.leaf(model.x)); });
  for (std::int64_t i = 0; i < before.size(); ++i)
    CHECK(before.data()[i] == model.parameters.values().data()[i]);
}

TEST_CASE("nothing checked is not a pass") { CHECK(!GradcheckResult{}.passed()); }

}  // namespace mininmt
