// Every fused operation against the same equation of MODEL.md in small operations, the GRU and attention from
// nn/plain.cc. In double, values and gradients agree to rounding.
#include <doctest/doctest.h>

#include <cmath>

#include "nn/plain.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/gru.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;
using Build = std::function<Var(Tape&, const Inputs&)>;

constexpr double kRounding = 1e-12;

void check_agree(const std::vector<Shape>& inputs, const Build& fused, const Build& composed) {
  const OpRow one{"fused", inputs, fused}, other{"composed", inputs, composed};
  Operands operands(one);
  const Outcome a = run(one, operands), b = run(other, operands);
  CHECK(largest_difference(a.value, b.value) <= kRounding * (1 + largest(b.value)));
  CHECK(largest_difference(a.gradients, b.gradients) <= kRounding * (1 + largest(b.gradients)));
  CHECK(largest(b.gradients) > 0);
}

// For the two functions that no small operation computes.
Var map(Var x, double (*f)(double), double (*slope)(double)) {
  Tensor y(x.shape());
  for (std::int64_t i = 0; i < y.size(); ++i) y.data()[i] = f(x.value().data()[i]);
  return x.tape->record("map", y, {x}, [=](const Tensor&, const Tensor& dy) {
    for (std::int64_t i = 0; i < dy.size(); ++i)
      x.gradient().data()[i] += dy.data()[i] * slope(x.value().data()[i]);
  });
}

Var exp_of(Var x) {
  const auto f = [](double v) { return std::exp(v); };
  return map(x, f, f);
}

Var log_of(Var x) {
  return map(
      x, [](double v) { return std::log(v); }, [](double v) { return 1 / v; });
}

Var constant(Tape& tape, const Shape& shape, double value) {
  const Tensor x(shape);
  x.fill(value);
  return tape.constant(x);
}

// Element (i, j) is f(i, j).
template <class Function>
Var matrix(Tape& tape, std::int64_t rows, std::int64_t columns, const Function& f) {
  const Tensor x({rows, columns});
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) x.data()[i * columns + j] = f(i, j);
  return tape.constant(x);
}

// y (N, n): a column x (N, 1) repeated n times; and the sum of each row, (N, 1).
Var spread(Var x, std::int64_t n) { return linear(x, constant(*x.tape, {n, 1}, 1)); }
Var sum_each_row(Var x) { return linear(x, constant(*x.tape, {1, x.shape()[-1]}, 1)); }

// The plain step with its operands concatenated, as the fused one takes them.
Var plain_gru_step(Var x, Var h, Var U) {
  const std::int64_t n = h.shape()[-1];
  return plain_gru_step({columns(x, 0, n), columns(x, n, n), columns(x, 2 * n, n)}, h,
                        {slice(U, 0, n), slice(U, n, n), slice(U, 2 * n, n)});
}

Var composed_gru(Tape& tape, Var x, Var U, const Lengths& lengths, bool forward) {
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1];
  std::vector<Var> states(steps);
  Var h = constant(tape, {batch, n}, 0);
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = forward ? i : steps - 1 - i;
    const auto is_word = [&](std::int64_t b, std::int64_t) { return t < lengths[b] ? 1.0 : 0.0; };
    const auto is_padding = [&](std::int64_t b, std::int64_t) { return t < lengths[b] ? 0.0 : 1.0; };
    const Var next = plain_gru_step(step(x, t), h, U);
    h = add(multiply(next, matrix(tape, batch, n, is_word)), multiply(h, matrix(tape, batch, n, is_padding)));
    states[t] = h;
  }
  return stack(states);
}

// log sum_w e^x_w - sum_w q_w x_w, with q = (1 - eps) [target] + eps / V; 0 in padding.
Var composed_softmax_xent(Tape& tape, Var x, const std::vector<Id>& targets, double eps) {
  const std::int64_t rows = x.shape()[0], words = x.shape()[1];
  const Var q = matrix(tape, rows, words, [&](std::int64_t i, std::int64_t w) {
    return (targets[i] == w ? 1 - eps : 0) + eps / static_cast<double>(words);
  });
  const Var loss = add(log_of(sum_each_row(exp_of(x))), scale(sum_each_row(multiply(x, q)), -1));
  const Var mask =
      matrix(tape, rows, 1, [&](std::int64_t i, std::int64_t) { return targets[i] == kNone ? 0.0 : 1.0; });
  const Var row = matmul(constant(tape, {1, 1}, 1), multiply(loss, mask), false, true);
  return step(row, 0);
}

Var rows_of_ones(Tape& tape, const std::vector<std::int64_t>& picks, std::int64_t count) {
  return matrix(tape, static_cast<std::int64_t>(picks.size()), count,
                [&](std::int64_t i, std::int64_t j) { return picks[i] == j ? 1.0 : 0.0; });
}

}  // namespace

TEST_CASE("gru_sequence is the plain steps one by one, in both directions") {
  for (const Lengths& lengths : {Lengths{1}, {5}, {5, 1, 3}, {2, 5, 4, 5, 1, 1, 3}}) {
    const std::int64_t steps = 5, batch = static_cast<std::int64_t>(lengths.size());
    for (const std::int64_t n : {1, 3, 17})
      for (const bool forward : {true, false}) {
        CAPTURE(n);
        CAPTURE(forward);
        check_agree(
            {{steps, batch, 3 * n}, {3 * n, n}},
            [&](Tape&, const Inputs& x) {
              return gru_sequence(x[0], x[1], lengths, forward ? Direction::kForward : Direction::kBackward);
            },
            [&](Tape& tape, const Inputs& x) { return composed_gru(tape, x[0], x[1], lengths, forward); });
      }
  }
}

TEST_CASE("gru_step over several steps is the plain one") {
  const std::int64_t steps = 4, batch = 3, n = 7;
  const auto unrolled = [](const Inputs& x, auto&& one_step) {
    std::vector<Var> states = {x[2]};
    for (std::int64_t t = 0; t < steps; ++t) states.push_back(one_step(step(x[0], t), states.back()));
    return stack(states);
  };
  check_agree(
      {{steps, batch, 3 * n}, {3 * n, n}, {batch, n}},
      [&](Tape&, const Inputs& x) {
        const StepWeight U(x[1]);
        return unrolled(x, [&](Var input, Var h) { return gru_step(input, h, U); });
      },
      [&](Tape&, const Inputs& x) {
        return unrolled(x, [&](Var input, Var h) { return plain_gru_step(input, h, x[1]); });
      });
}

TEST_CASE("attend is the plain alignment model") {
  for (const Lengths& lengths : {Lengths{1}, {6}, {6, 1, 3}, {2, 6, 4, 5, 1, 1, 3}}) {
    const std::int64_t S = 6, B = static_cast<std::int64_t>(lengths.size()), A = 7, C = 5;
    check_agree(
        {{B, A}, {S, B, A}, {S, B, C}, {A}},
        [&](Tape&, const Inputs& x) { return attend(x[0], x[1], x[2], x[3], lengths).context; },
        [&](Tape&, const Inputs& x) { return plain_attend(x[0], x[1], x[2], x[3], lengths).first; });
  }
}

TEST_CASE("attend with the dot score is a softmax of products and a weighted sum") {
  for (const Lengths& lengths : {Lengths{1}, {6}, {6, 1, 3}, {2, 6, 4, 5, 1, 1, 3}}) {
    const std::int64_t S = 6, B = static_cast<std::int64_t>(lengths.size()), A = 7, C = 5;
    check_agree(
        {{B, A}, {S, B, A}, {S, B, C}},
        [&](Tape&, const Inputs& x) { return attend(x[0], x[1], x[2], {}, lengths).context; },
        [&](Tape&, const Inputs& x) {
          Var scores = sum_each_row(multiply(x[0], step(x[1], 0)));
          for (std::int64_t j = 1; j < S; ++j)
            scores = concat(scores, sum_each_row(multiply(x[0], step(x[1], j))));
          return weighted_sum(softmax(scores, lengths), x[2]);
        });
  }
}

TEST_CASE("softmax is e^x over its sum along the row") {
  const std::int64_t S = 6, B = 5;
  for (const Lengths& lengths : {Lengths{6, 6, 6, 6, 6}, {6, 1, 3, 5, 4}})
    check_agree(
        {{B, S}}, [&](Tape&, const Inputs& x) { return softmax(x[0], lengths); },
        [&](Tape& tape, const Inputs& x) {
          const auto inside = [&](std::int64_t b, std::int64_t j) { return j < lengths[b] ? 1.0 : 0.0; };
          const Var e = multiply(exp_of(x[0]), matrix(tape, B, S, inside));
          return multiply(e, spread(exp_of(scale(log_of(sum_each_row(e)), -1)), S));
        });
}

TEST_CASE("softmax_xent is log-sum-exp minus the expected logit") {
  const std::vector<Id> targets = {3, kNone, 0, 8, 8, kNone, 2};
  for (const double eps : {0.0, 0.1, 0.9})
    check_agree(
        {{7, 9}}, [&](Tape&, const Inputs& x) { return softmax_xent(x[0], targets, eps); },
        [&](Tape& tape, const Inputs& x) { return composed_softmax_xent(tape, x[0], targets, eps); });
}

TEST_CASE("linear is a product with the transposed weight and a bias") {
  check_agree(
      {{5, 7}, {3, 7}, {3}}, [](Tape&, const Inputs& x) { return linear(x[0], x[1], x[2]); },
      [](Tape& tape, const Inputs& x) {
        const Var ones = constant(tape, {5, 1}, 1);
        return add(matmul(x[0], x[1], false, true), matmul(ones, stack({x[2]})));
      });
}

TEST_CASE("the step weight's gradient is that of the plain weight") {
  const auto recurrent = [](const Inputs& x, const auto& W) {
    Var h = x[0];
    for (int t = 0; t < 4; ++t) h = tanh(linear(h, W));
    return h;
  };
  check_agree(
      {{3, 5}, {5, 5}}, [&](Tape&, const Inputs& x) { return recurrent(x, StepWeight(x[1])); },
      [&](Tape&, const Inputs& x) { return recurrent(x, x[1]); });
}

TEST_CASE("matmul's transposed forms are one product of transposed operands") {
  const auto transposed = [](Var x) {
    const std::int64_t n = x.shape()[0];
    return matmul(x, matrix(*x.tape, n, n, [](std::int64_t i, std::int64_t j) { return i == j ? 1.0 : 0.0; }),
                  true);
  };
  check_agree(
      {{7, 3}, {7, 5}}, [](Tape&, const Inputs& x) { return matmul(x[0], x[1], true); },
      [&](Tape&, const Inputs& x) { return matmul(transposed(x[0]), x[1]); });
  check_agree(
      {{3, 7}, {5, 7}}, [](Tape&, const Inputs& x) { return matmul(x[0], x[1], false, true); },
      [&](Tape&, const Inputs& x) { return matmul(x[0], transposed(x[1])); });
  check_agree(
      {{7, 3}, {5, 7}}, [](Tape&, const Inputs& x) { return matmul(x[0], x[1], true, true); },
      [&](Tape&, const Inputs& x) { return matmul(transposed(x[0]), transposed(x[1])); });
}

TEST_CASE("maxout is (a + b + |a - b|) / 2 of the even and the odd units of a linear layer") {
  check_agree(
      {{5, 7}, {6, 7}}, [](Tape&, const Inputs& x) { return maxout(linear(x[0], x[1])); },
      [](Tape&, const Inputs& x) {
        const Var a = linear(x[0], gather_rows(x[1], {0, 2, 4})),
                  b = linear(x[0], gather_rows(x[1], {1, 3, 5}));
        const Var difference = map(
            add(a, scale(b, -1)), [](double v) { return std::abs(v); },
            [](double v) { return v > 0 ? 1.0 : -1.0; });
        return scale(add(add(a, b), difference), 0.5);
      });
}

TEST_CASE("embeddings are products with one-hot rows") {
  check_agree(
      {{5, 7}},
      [](Tape&, const Inputs& x) {
        return gather_rows(x[0], {4, 0, 0, 2});
      },
      [](Tape& tape, const Inputs& x) {
        return matmul(rows_of_ones(tape, {4, 0, 0, 2}, 5), x[0]);
      });
  IdMatrix ids(2, 3);
  ids.ids = {4, kNone, 1, 4, 4, 0};
  check_agree(
      {{5, 7}}, [&](Tape&, const Inputs& x) { return embed(x[0], ids); },
      [](Tape& tape, const Inputs& x) {
        const Var flat = matmul(rows_of_ones(tape, {4, -1, 1, 4, 4, 0}, 5), x[0]);
        return stack({slice(flat, 0, 3), slice(flat, 3, 3)});
      });
}

TEST_CASE("dropout is a product with the mask that it makes of ones") {
  const Random random{3, 4};
  check_agree(
      {{5, 7}}, [&](Tape&, const Inputs& x) { return dropout(x[0], 0.4, random); },
      [&](Tape& tape, const Inputs& x) {
        return multiply(x[0], dropout(constant(tape, {5, 7}, 1), 0.4, random));
      });
}

TEST_CASE("reductions and arrangements are products with ones") {
  check_agree(
      {{5, 7}}, [](Tape&, const Inputs& x) { return sum_rows(x[0]); },
      [](Tape& tape, const Inputs& x) {
        return step(matmul(constant(tape, {1, 5}, 1), x[0]), 0);
      });
  check_agree(
      {{5, 7}}, [](Tape&, const Inputs& x) { return mean(x[0]); },
      [](Tape&, const Inputs& x) { return scale(sum(sum_rows(x[0])), 1.0 / 35); });
  check_agree(
      {{5, 7}}, [](Tape&, const Inputs& x) { return columns(x[0], 2, 3); },
      [](Tape& tape, const Inputs& x) {
        return matmul(x[0], matrix(tape, 7, 3, [](std::int64_t i, std::int64_t j) { return i == j + 2; }));
      });
  check_agree(
      {{5, 7}, {5, 2}}, [](Tape&, const Inputs& x) { return concat(x[0], x[1]); },
      [](Tape& tape, const Inputs& x) {
        const Var left = matrix(tape, 7, 9, [](std::int64_t i, std::int64_t j) { return i == j; });
        const Var right = matrix(tape, 2, 9, [](std::int64_t i, std::int64_t j) { return i + 7 == j; });
        return add(matmul(x[0], left), matmul(x[1], right));
      });
}

}  // namespace mininmt
