// The operations of the Transformer against values computed by hand, and of each other.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "ops/layer_norm.h"
#include "ops/multi_head_attention.h"
#include "ops/positions.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

struct Values {
  Tape tape;
  Var of(const Shape& shape, const std::vector<real>& values) {
    return tape.constant(Tensor::from(shape, values));
  }
  Var random(const Shape& shape, std::uint64_t stream) {
    const Tensor x(shape);
    const Random random{7, stream};
    for (std::int64_t i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<real>(random.normal(static_cast<std::uint64_t>(i)));
    return tape.constant(x);
  }
};

void check(const Tensor& y, const Shape& shape, const std::vector<double>& expected,
           double tolerance = 1e-6) {
  REQUIRE(y.shape() == shape);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(y.data()[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i])));
  }
}

}  // namespace

// Row 1: mean 2, variance 1. Row 2: mean 5, variance 0.
TEST_CASE_FIXTURE(Values, "layer_norm: the variance divides by n, and 1e-6 is added to it") {
  const Var gain = of({2}, {2, 3}), bias = of({2}, {10, 20});
  const double s = std::sqrt(1 + 1e-6);
  check(layer_norm(of({2, 2}, {1, 3, 5, 5}), gain, bias).value(), {2, 2}, {10 - 2 / s, 20 + 3 / s, 10, 20});
  // Variance 1e-6: s is sqrt(2e-6).
  check(layer_norm(of({1, 2}, {-1e-3f, 1e-3f}), gain, bias).value(), {1, 2},
        {10 - 2 / std::sqrt(2), 20 + 3 / std::sqrt(2)}, 1e-4);
}

TEST_CASE_FIXTURE(Values, "add_positions: sines and cosines in pairs") {
  const Var x = of({2, 2, 4}, {1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 3, 3, 3, 3});
  const double a = std::sin(1), b = std::cos(1), c = std::sin(0.01), e = std::cos(0.01);
  check(add_positions(x, 2).value(), {2, 2, 4},
        {2, 3, 2, 3, 4, 5, 4, 5, a, b, c, e, 6 + a, 6 + b, 6 + c, 6 + e});
  check(add_positions(of({1, 1, 4}, {0, 0, 0, 0}), 1, 1000).value(), {1, 1, 4},
        {std::sin(1000), std::cos(1000), std::sin(10), std::cos(10)});
}

// Head 1 has the scores log 3 and 0, so the weights 3/4 and 1/4; head 2 the same everywhere.
TEST_CASE_FIXTURE(Values, "multi_head_attention: each head reads its own columns") {
  const auto log3 = static_cast<real>(std::log(3.0));
  const Var Q = of({1, 1, 2}, {2, 0}), K = of({2, 1, 2}, {log3 / 2, 5, 0, 6}),
            V = of({2, 1, 2}, {4, 8, 0, 2});
  check(multi_head_attention(Q, K, V, 2, {}, false).value(), {1, 1, 2}, {3, 5});
  // One head of two columns: the score is divided by the root of 2.
  const double p = 1 / (1 + std::exp(-std::log(3) / std::sqrt(2)));
  check(multi_head_attention(Q, K, V, 1, {}, false).value(), {1, 1, 2}, {4 * p, 8 * p + 2 * (1 - p)});
  check(multi_head_attention(Q, K, V, 2, {1}, false).value(), {1, 1, 2}, {4, 8});
}

TEST_CASE_FIXTURE(Values, "multi_head_attention, causal: a position reads itself and those before") {
  const Var Q = of({3, 1, 1}, {0, 0, 0}), V = of({3, 1, 1}, {6, 2, 1});
  check(multi_head_attention(Q, Q, V, 1, {}, true).value(), {3, 1, 1}, {6, 4, 3});
}

TEST_CASE_FIXTURE(Values, "multi_head_attention: padding has no effect") {
  const Indices lengths = {2, 3};
  const Var Q = random({4, 2, 6}, 1), K = random({3, 2, 6}, 2), V = random({3, 2, 6}, 3);
  const Tensor before = multi_head_attention(Q, K, V, 3, lengths, false).value();
  for (const Var x : {K, V})
    for (int i = 0; i < 6; ++i) x.value().data()[2 * 12 + i] = 1e6;
  CHECK(same_bits(multi_head_attention(Q, K, V, 3, lengths, false).value(), before));
}

TEST_CASE_FIXTURE(Values, "attend_to_rows: what multi_head_attention gives, row by row") {
  const std::int64_t S = 5, B = 3, d = 8;
  const Indices lengths = {5, 2, 4};
  const Var Q = random({1, B, d}, 1), K = random({S, B, d}, 2), V = random({S, B, d}, 3);
  const Tensor expected = multi_head_attention(Q, K, V, 2, lengths, false).value();
  const std::vector<std::int32_t> sentences = {2, 0, 1, 2};
  std::vector<std::int32_t> picked;
  const Tensor queries({4, d});
  for (std::size_t r = 0; r < sentences.size(); ++r) {
    const std::int32_t b = sentences[r];
    queries.slice(static_cast<std::int64_t>(r), 1).reshape({d}).set(Q.value().view(b * d, {d}));
    for (int j = 0; j < S; ++j)
      picked.push_back(j < lengths[static_cast<std::size_t>(b)] ? static_cast<std::int32_t>(j * B + b)
                                                                : kNone);
  }
  const Attended found = attend_to_rows(tape.constant(queries), K.value().reshape({S * B, d}),
                                        V.value().reshape({S * B, d}), 2, picked);
  for (std::size_t r = 0; r < sentences.size(); ++r) {
    const auto row = static_cast<std::int64_t>(r);
    CHECK(largest_difference(found.context.value().slice(row, 1).reshape({d}),
                             expected.view(sentences[r] * d, {d})) < 1e-6);
    double sum = 0;
    for (std::int64_t j = 0; j < S; ++j) {
      const real weight = found.alpha.data()[row * S + j];
      if (picked[r * S + static_cast<std::size_t>(j)] == kNone) CHECK(weight == 0);
      sum += weight;
    }
    CHECK(sum == doctest::Approx(1));
  }
}

// Heads 1 and 2 have the weights 3/4, 1/4 and 1/2, 1/2.
TEST_CASE_FIXTURE(Values, "attend_to_rows: alpha is the mean over the heads") {
  const auto log3 = static_cast<real>(std::log(3.0));
  const Tensor K = Tensor::from({3, 2}, {9, 9, 0, 6, log3 / 2, 5}),
               V = Tensor::from({3, 2}, {9, 9, 0, 2, 4, 8});
  const Attended found = attend_to_rows(of({1, 2}, {2, 0}), K, V, 2, {2, kNone, 1});
  check(found.context.value(), {1, 2}, {3, 5});
  check(found.alpha, {1, 3}, {0.625, 0, 0.375});
}

TEST_CASE_FIXTURE(Values, "operations of the Transformer refuse what doesn't fit") {
  const Var x = random({3, 2, 4}, 1), other = random({2, 2, 4}, 2), q = random({2, 4}, 3);
  CHECK_THROWS_WITH_AS(multi_head_attention(x, x, x, 3, {}, false), doctest::Contains("(heads) must divide"),
                       Error);
  CHECK_THROWS_WITH_AS(multi_head_attention(x, x, other, 2, {}, false), doctest::Contains("(V)"), Error);
  CHECK_THROWS_WITH_AS(multi_head_attention(x, other, other, 2, {}, true), doctest::Contains("(causal)"),
                       Error);
  CHECK_THROWS_WITH_AS(multi_head_attention(x, other, other, 2, {3, 1}, false),
                       doctest::Contains("(lengths)"), Error);
  CHECK_THROWS_WITH_AS(attend_to_rows(q, q.value(), q.value(), 2, {0, 1, 2}), doctest::Contains("(picked)"),
                       Error);
  CHECK_THROWS_WITH_AS(attend_to_rows(q, q.value(), q.value(), 2, {0, 2}), doctest::Contains("row 2 of 2"),
                       Error);
  CHECK_THROWS_WITH_AS(attend_to_rows(q, q.value(), q.value(), 2, {0, kNone}),
                       doctest::Contains("nothing for query 1"), Error);
  CHECK_THROWS_WITH_AS(add_positions(random({2, 2, 3}, 4), 1), doctest::Contains("even"), Error);
  CHECK_THROWS_WITH_AS(layer_norm(x, of({2}, {1, 1}), of({4}, {1, 1, 1, 1})), doctest::Contains("(gain)"),
                       Error);
}

}  // namespace mininmt
