// Properties of the other kinds of attention (MODEL.md 9.2, 9.5), in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/gradcheck.h"
#include "nn/rnnsearch/attention.h"
#include "ops/diagonal.h"
#include "ops/window.h"
#include "tensor/random.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;

Tensor random_tensor(const Shape& shape, std::uint64_t stream, double size = 1) {
  const Random random{11, stream};
  const Tensor x(shape);
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = size * random.normal(static_cast<std::uint64_t>(i));
  return x;
}

const Lengths kLengths = {4, 1, 6};
constexpr std::int64_t S = 6, B = 3, C = 5;

// c_b = sum_j alpha_bj h_jb
Tensor weighted_sum(const Tensor& alpha, const Tensor& h) {
  const Tensor c = Tensor::zeros({B, C});
  for (std::int64_t b = 0; b < B; ++b)
    for (std::int64_t j = 0; j < S; ++j)
      for (std::int64_t k = 0; k < C; ++k)
        c.data()[b * C + k] += alpha.data()[b * S + j] * h.data()[(j * B + b) * C + k];
  return c;
}

void check_equal(const Tensor& x, const Tensor& y, double tolerance = kRounding) {
  REQUIRE(x.shape() == y.shape());
  for (std::int64_t i = 0; i < x.size(); ++i)
    CHECK(std::abs(x.data()[i] - y.data()[i]) <= tolerance * (1 + std::abs(y.data()[i])));
}

TEST_CASE("the diagonal reads what attention with all weight at min(i, S_b) reads") {
  const Tensor h = random_tensor({S, B, C}, 1);
  for (std::int64_t i = 1; i <= S + 3; ++i) {
    Tape tape;
    const Tensor alpha = Tensor::zeros({B, S});
    for (std::int64_t b = 0; b < B; ++b)
      alpha.data()[b * S + std::min<std::int64_t>(i, kLengths[static_cast<std::size_t>(b)]) - 1] = 1;
    check_equal(diagonal(tape.constant(h), i, kLengths).value(), weighted_sum(alpha, h));
  }
}

TEST_CASE("a model with the diagonal prints that alpha, and reads h_1 alone from a source of </s>") {
  const auto model = random_model(small_config("authors", "diagonal"));
  const Sentences sources = random_sentences({5, 1}, 9);
  Tape tape;
  Lengths lengths;
  const IdMatrix source = pad(spans(sources), lengths);
  const auto decoding = model->decode(tape, source, lengths);
  State state = decoding->start();
  for (std::int64_t i = 0; i < 8; ++i) {
    const auto [after, prediction] =
        decoding->step(tape, state, {i == 0 ? kNone : 3, i == 0 ? kNone : 3}, {0, 1});
    for (std::int64_t j = 0; j < 5; ++j) {
      CHECK(prediction.alpha.data()[j] == (j == std::min<std::int64_t>(i, 4) ? 1 : 0));
      CHECK(prediction.alpha.data()[5 + j] == (j == 0 ? 1 : 0));
    }
    state = after;
  }
}

// [a^, b^, k^] of K Gaussians in each of B rows.
Tensor window_input(std::int64_t K, double a, double b, double k) {
  const Tensor u({B, 3 * K});
  for (std::int64_t i = 0; i < u.size(); ++i) {
    const std::int64_t part = i % (3 * K) / K;
    u.data()[i] = part == 0 ? a : part == 1 ? b : k;
  }
  return u;
}

TEST_CASE("narrow windows that move by a word a step read the diagonal") {
  const Tensor h = random_tensor({S, B, C}, 1);
  Tape tape;
  const Var u = tape.constant(window_input(1, 0, std::log(50.0), 0)), annotations = tape.constant(h);
  Var kappa = tape.constant(Tensor::zeros({B, 1}));
  for (std::int64_t i = 1; i <= S + 2; ++i) {
    kappa = window_centres(u, kappa);
    const Attended read = window(u, kappa, annotations, kLengths);
    const Tensor c = read.context.value();
    for (std::int64_t b = 0; b < B; ++b) {
      CHECK(kappa.value().data()[b] == doctest::Approx(static_cast<double>(i)));
      // More than two words beyond a sentence's end there is nothing left to divide by.
      if (i > kLengths[static_cast<std::size_t>(b)] + 2) continue;
      double sum = 0;
      for (std::int64_t j = 0; j < S; ++j) sum += read.alpha.data()[b * S + j];
      const Tensor expected = diagonal(annotations, i, kLengths).value();
      for (std::int64_t k = 0; k < C; ++k)
        CHECK(c.data()[b * C + k] / sum ==
              doctest::Approx(expected.data()[b * C + k]).epsilon(1e-12).scale(0));
    }
  }
}

// A single Gaussian that always moves by one word, for any state.
TEST_CASE("a model's windows go on from where they were at the word before") {
  for (const std::string& order : kOrders) {
    Config config = small_config(order, "window");
    config.set("gaussians", 1);
    const auto model = random_model(config);
    for (const Parameter* p : model->parameters().all()) {
      if (p->name == "attention.W_p") p->value.fill(0);
      if (p->name == "attention.b_p") p->value.set(Tensor::from({3}, {0, std::log(50.0), 0}));
    }
    const Sentences sources = random_sentences({5, 1}, 9);
    Tape tape;
    Lengths lengths;
    const IdMatrix source = pad(spans(sources), lengths);
    const auto decoding = model->decode(tape, source, lengths);
    State state = decoding->start();
    for (std::int64_t i = 0; i < 7; ++i) {
      const Id before = i == 0 ? kNone : 3;
      const auto [after, prediction] = decoding->step(tape, state, {before, before}, {0, 1});
      for (std::int64_t j = 0; j < 5; ++j) {
        CHECK(prediction.alpha.data()[j] == doctest::Approx(i == j ? 1 : 0));
        CHECK(prediction.alpha.data()[5 + j] == doctest::Approx(i == 0 && j == 0 ? 1 : 0));
      }
      state = after;
    }
  }
}

TEST_CASE("centres and annotations shifted by one place give the same context") {
  const std::int64_t K = 3;
  const Tensor h = random_tensor({S, B, C}, 1), u = random_tensor({B, 3 * K}, 2),
               kappa = random_tensor({B, K}, 3);
  const Tensor later = Tensor::zeros({S + 1, B, C}), moved = kappa.clone();
  later.slice(1, S).set(h);
  for (std::int64_t i = 0; i < moved.size(); ++i) moved.data()[i] += 1;
  Lengths lengths = kLengths;
  for (int& length : lengths) ++length;
  Tape tape;
  const Var first = window_centres(tape.constant(u), tape.constant(kappa)),
            second = window_centres(tape.constant(u), tape.constant(moved));
  check_equal(window(tape.constant(u), second, tape.constant(later), lengths).context.value(),
              window(tape.constant(u), first, tape.constant(h), kLengths).context.value());
}

TEST_CASE("phi is the sum of the printed Gaussians, and centres never fall") {
  const std::int64_t K = 2;
  const Tensor h = random_tensor({S, B, C}, 1);
  Tape tape;
  Tensor kappa = Tensor::zeros({B, K});
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const Tensor u = random_tensor({B, 3 * K}, 10 + i, i % 4 == 0 ? 20 : 1);  // sometimes beyond the clamp
    const Tensor next = window_centres(tape.constant(u), tape.constant(kappa)).value();
    const Attended read = window(tape.constant(u), tape.constant(next), tape.constant(h), kLengths);
    const auto clamped = [&](std::int64_t b, std::int64_t part, std::int64_t k) {
      return std::exp(std::clamp(u.data()[b * 3 * K + part * K + k], -8.0, 8.0));
    };
    for (std::int64_t b = 0; b < B; ++b) {
      for (std::int64_t k = 0; k < K; ++k) {
        CHECK(next.data()[b * K + k] > kappa.data()[b * K + k]);
        CHECK(next.data()[b * K + k] == doctest::Approx(kappa.data()[b * K + k] + clamped(b, 2, k)));
      }
      for (std::int64_t j = 1; j <= S; ++j) {
        double phi = 0;
        for (std::int64_t k = 0; k < K; ++k)
          phi += clamped(b, 0, k) *
                 std::exp(-clamped(b, 1, k) * std::pow(next.data()[b * K + k] - static_cast<double>(j), 2));
        if (j > kLengths[static_cast<std::size_t>(b)]) phi = 0;
        CHECK(read.alpha.data()[b * S + j - 1] == doctest::Approx(phi).epsilon(1e-10).scale(1e-300));
      }
    }
    check_equal(read.context.value(), weighted_sum(read.alpha, h), 1e-10);
    kappa = next;
  }
}

TEST_CASE("beyond the clamp a number has no gradient") {
  Parameters parameters;
  const std::int64_t K = 1;
  const Parameter& u = parameters.add("u", {1, 3 * K});
  parameters.allocate();
  const Tensor h = random_tensor({S, 1, C}, 1);
  for (const int outside : {0, 1, 2})
    for (const double sign : {-1.0, 1.0}) {
      for (int part = 0; part < 3; ++part) u.value.data()[part] = part == outside ? 9 * sign : 0.1 * part - 1;
      const Tensor gradients = parameters.new_gradients();
      Tape tape(gradients);
      const Var kappa = window_centres(tape.leaf(u), tape.constant(Tensor::zeros({1, K})));
      const Var c = window(tape.leaf(u), kappa, tape.constant(h), {6}).context;
      tape.backward(tape.record("sum", Tensor::zeros({}), {c},
                                [c](const Tensor&, const Tensor&) { c.gradient().fill(1); }));
      CHECK(gradients.data()[outside] == 0);
    }
}

TEST_CASE("at first a window moves by a word a step, and its Gaussians have an area of one") {
  Config config = small_config("authors", "window");
  config.set("gaussians", 4);
  const auto model = make_model(config);
  model->parameters().initialize(1);
  for (const Parameter* p : model->parameters().all()) {
    if (p->name != "attention.b_p") continue;
    for (int k = 0; k < 4; ++k) {
      const double a = std::exp(p->value.data()[k]), b = std::exp(p->value.data()[4 + k]);
      CHECK(4 * a * std::sqrt(3.14159265358979 / b) == doctest::Approx(1));
      CHECK(b == doctest::Approx(0.5));
      CHECK(p->value.data()[8 + k] == 0);
    }
  }
}

}  // namespace
}  // namespace mininmt
