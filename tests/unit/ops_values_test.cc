// Forward values against small cases computed by hand, or by formulas with std::exp in double.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "ops/addressing.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/gru.h"
#include "ops/lstm.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/normalize.h"
#include "ops/output.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tensor/elementwise.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

struct Values {
  Tape tape;
  Var of(const Shape& shape, const std::vector<real>& values) {
    return tape.constant(Tensor::from(shape, values));
  }
};

void check(Var y, const Shape& shape, const std::vector<double>& expected, double tolerance = 0) {
  REQUIRE(y.shape() == shape);
  REQUIRE(static_cast<std::size_t>(shape.size()) == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(y.value().data()[i] - expected[i]) <= tolerance);
  }
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE_FIXTURE(Values, "matmul, in all four forms") {
  const Var a = of({2, 3}, {1, 2, 3, 4, 5, 6}), a_t = of({3, 2}, {1, 4, 2, 5, 3, 6});
  const Var b = of({3, 2}, {7, 8, 9, 10, 11, 12}), b_t = of({2, 3}, {7, 9, 11, 8, 10, 12});
  const std::vector<double> expected = {58, 64, 139, 154};
  check(matmul(a, b), {2, 2}, expected);
  check(matmul(a_t, b, true), {2, 2}, expected);
  check(matmul(a, b_t, false, true), {2, 2}, expected);
  check(matmul(a_t, b_t, true, true), {2, 2}, expected);
}

TEST_CASE_FIXTURE(Values, "linear") {
  const Var x = of({2, 3}, {1, 2, 3, 4, 5, 6}), W = of({2, 3}, {1, 0, -1, 2, 1, 0}), bias = of({2}, {10, 20});
  check(linear(x, W), {2, 2}, {-2, 4, -2, 13});
  check(linear(x, W, bias), {2, 2}, {8, 24, 8, 33});
  check(linear(x, StepWeight(W)), {2, 2}, {-2, 4, -2, 13});
  check(linear(of({3}, {1, 2, 3}), W, bias), {2}, {8, 24});
  check(linear(of({2, 1, 3}, {1, 2, 3, 4, 5, 6}), W), {2, 1, 2}, {-2, 4, -2, 13});
}

TEST_CASE_FIXTURE(Values, "add, multiply, scale") {
  const Var x = of({2, 2}, {1, 2, 3, 4});
  check(add(x, of({2, 2}, {10, 20, 30, 40})), {2, 2}, {11, 22, 33, 44});
  check(add(x, of({2}, {10, 20})), {2, 2}, {11, 22, 13, 24});
  check(add(of({2}, {1, 2}), of({2}, {10, 20})), {2}, {11, 22});
  check(multiply(x, of({2, 2}, {10, 20, 30, 40})), {2, 2}, {10, 40, 90, 160});
  check(scale(x, -2), {2, 2}, {-2, -4, -6, -8});
}

TEST_CASE_FIXTURE(Values, "tanh and sigmoid") {
  const Var x = of({4}, {0, 1, -2, 50});
  check(tanh(x), {4}, {0, std::tanh(1), std::tanh(-2), 1}, 2e-7);
  check(sigmoid(x), {4}, {0.5, logistic(1), logistic(-2), 1}, 2e-7);
}

TEST_CASE_FIXTURE(Values, "every function of the list has a row, and gives what the standard library gives") {
  std::vector<std::string> listed, rows;
  for_functions([&](auto f) { listed.push_back(f.name); });
  for (const ElementwiseRow& row : elementwise_rows()) rows.push_back(row.name);
  REQUIRE(rows == listed);
  std::vector<real> x = {-1e4f, 1e4f};
  for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<real>(i) * real{0.0171f});
  for (const ElementwiseRow& row : elementwise_rows()) {
    CAPTURE(row.name);
    std::vector<double> exact;
    for (const real v : x) exact.push_back(static_cast<double>(row.value(v)));
    const auto n = static_cast<std::int64_t>(x.size());
    check(row.op(of({n}, x)), {n}, exact, 1e-3);
    check(row.op(of({n - 2}, {x.begin() + 2, x.end()})), {n - 2}, {exact.begin() + 2, exact.end()}, 4e-6);
  }
}

TEST_CASE_FIXTURE(Values, "sums") {
  const Var x = of({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  check(sum(x), {}, {21});
  check(mean(x), {}, {3.5});
  check(sum_rows(x), {3}, {5, 7, 9});
}

TEST_CASE_FIXTURE(Values, "a sum is taken in double: a million small terms after a large one are not lost") {
  std::vector<real> values(1'000'001, real{0.5});
  values[0] = 16'777'216;  // 2^24: in float, adding 0.5 to it gives 2^24 again
  check(sum(of({1'000'001}, values)), {}, {16'777'216 + 500'000});
}

TEST_CASE_FIXTURE(Values, "slice, step, columns") {
  const Var x = of({3, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  check(slice(x, 1, 2), {2, 2, 2}, {5, 6, 7, 8, 9, 10, 11, 12});
  check(slice(x, 3, 0), {0, 2, 2}, {});
  check(step(x, 2), {2, 2}, {9, 10, 11, 12});
  check(columns(x, 1, 1), {3, 2, 1}, {2, 4, 6, 8, 10, 12});
  CHECK(slice(x, 1, 2).value().data() == x.value().data() + 4);  // shared, not copied
}

TEST_CASE_FIXTURE(Values, "concat, stack, gather_rows") {
  const Var a = of({2, 2}, {1, 2, 3, 4}), b = of({2, 1}, {5, 6});
  check(concat(a, b), {2, 3}, {1, 2, 5, 3, 4, 6});
  check(stack({a, a}), {2, 2, 2}, {1, 2, 3, 4, 1, 2, 3, 4});
  check(stack({of({}, {1}), of({}, {2})}), {2}, {1, 2});
  check(gather_rows(a, {1, 1, 0}), {3, 2}, {3, 4, 3, 4, 1, 2});
  check(gather_rows(of({2, 2, 1}, {1, 2, 3, 4}), {3, 0}), {2, 1}, {4, 1});
  check(gather_rows(a, {}), {0, 2}, {});
}

TEST_CASE_FIXTURE(Values, "embed: kNone is a row of zeros") {
  IdMatrix ids(2, 2);
  ids.at(0, 0) = 2, ids.at(1, 0) = 0, ids.at(1, 1) = 2;
  check(embed(of({3, 2}, {1, 2, 3, 4, 5, 6}), ids), {2, 2, 2}, {5, 6, 0, 0, 1, 2, 5, 6});
}

TEST_CASE_FIXTURE(Values, "maxout") {
  check(maxout(of({2, 4}, {1, 2, 4, 3, -1, -2, 0, 0})), {2, 2}, {2, 4, -1, 0});
}

TEST_CASE_FIXTURE(Values,
                  "dropout keeps each element with probability 1 - p, scaled, the same ones each time") {
  const std::int64_t count = 100'003;
  const Var ones = of({count}, std::vector<real>(count, 1));
  const Var y = dropout(ones, 0.25, {1, 2});
  std::int64_t kept = 0;
  for (real v : y.value().values()) {
    if (v != 0 && std::abs(v - 1 / 0.75) > 1e-6) FAIL_CHECK("kept as " << v);
    kept += v != 0;
  }
  CHECK(kept / static_cast<double>(count) == doctest::Approx(0.75).epsilon(0.01));
  // Element i depends only on number i of the sequence.
  const Var start = dropout(of({1001}, std::vector<real>(1001, 1)), 0.25, {1, 2});
  const Random random{1, 2};
  for (std::uint64_t i = 0; i < 1001; ++i) {
    CHECK((start.value().data()[i] == y.value().data()[i]));
    CHECK((start.value().data()[i] != 0) == (random.uniform(i) >= 0.25));
  }
  check(dropout(of({3}, {1, 2, 3}), 0, {1, 2}), {3}, {1, 2, 3});
}

// MODEL.md 1 for one unit, in double.
double gru_unit(const double* x, double h, const double* U) {
  const double z = logistic(x[0] + U[0] * h), r = logistic(x[1] + U[1] * h);
  return (1 - z) * h + z * std::tanh(x[2] + U[2] * (r * h));
}

TEST_CASE_FIXTURE(Values, "gru: one unit, three steps, both directions") {
  const double x[3][3] = {{0.5, -1, 2}, {-0.25, 0.75, -1.5}, {1, 0, 0.5}}, U[3] = {0.5, -2, 1.25};
  const Var inputs = of({3, 1, 3}, {0.5, -1, 2, -0.25, 0.75, -1.5, 1, 0, 0.5}),
            weights = of({3, 1}, {0.5, -2, 1.25});
  const double a = gru_unit(x[0], 0, U), b = gru_unit(x[1], a, U), c = gru_unit(x[2], b, U);
  check(gru_sequence(inputs, weights, {3}, Direction::kForward), {3, 1, 1}, {a, b, c}, 1e-6);
  check(gru_sequence(inputs, weights, {2}, Direction::kForward), {3, 1, 1}, {a, b, b}, 1e-6);
  const double w = gru_unit(x[2], 0, U), v = gru_unit(x[1], w, U), u = gru_unit(x[0], v, U);
  check(gru_sequence(inputs, weights, {3}, Direction::kBackward), {3, 1, 1}, {u, v, w}, 1e-6);
  const double q = gru_unit(x[1], 0, U);
  check(gru_sequence(inputs, weights, {2}, Direction::kBackward), {3, 1, 1}, {gru_unit(x[0], q, U), q, 0},
        1e-6);
  check(gru_step(step(inputs, 1), of({1, 1}, {static_cast<real>(a)}), StepWeight(weights)), {1, 1}, {b},
        1e-6);
}

TEST_CASE_FIXTURE(Values, "lstm: one unit, two steps; i and f see the old c, o the new one") {
  const Var x = of({2, 1, 4}, {0.5, -0.25, 0.75, 1, -1, 0.5, 0.25, -0.5}), U = of({4, 1}, {0.5, -1, 2, 1.5}),
            p = of({3}, {1.5, -2, 0.75});
  double h = 0.25, c = -0.5;
  std::vector<double> states;
  for (const std::vector<double>& at : {std::vector<double>{0.5, -0.25, 0.75, 1}, {-1, 0.5, 0.25, -0.5}}) {
    const double i = logistic(at[0] + 0.5 * h + 1.5 * c), f = logistic(at[1] - 1 * h - 2 * c);
    c = f * c + i * std::tanh(at[2] + 2 * h);
    h = logistic(at[3] + 1.5 * h + 0.75 * c) * std::tanh(c);
    states.push_back(h);
  }
  const LstmState start{of({1, 1}, {0.25}), of({1, 1}, {-0.5})};
  const LstmStates both = lstm(x, start, U, p);
  check(both.h, {2, 1, 1}, states, 1e-6);
  check(both.last.h, {1, 1}, {h}, 1e-6);
  check(both.last.c, {1, 1}, {c}, 1e-6);
  const LstmStates one = lstm(x, start, U, p, {1});  // the second step is padding
  check(one.h, {2, 1, 1}, {states[0], states[0]}, 1e-6);
  check(lstm(slice(x, 1, 1), one.last, U, p).last.c, {1, 1}, {c}, 1e-6);
}

TEST_CASE_FIXTURE(Values, "reverse_sentences: the last word stays last, padding is 0") {
  const Var x = of({4, 3, 1}, {1, 10, 100, 2, 20, 200, 3, 30, 300, 4, 40, 400});
  check(reverse_sentences(x, {4, 3, 1}), {4, 3, 1}, {3, 20, 100, 2, 10, 0, 1, 30, 0, 4, 0, 0});
}

TEST_CASE_FIXTURE(Values, "gru: two units mix through U, and the reset gate acts before the product") {
  // Gates saturated by large inputs: z = 1, r = (1, 0), so h' = tanh(U [h_1, 0]).
  const Var x = of({1, 6}, {100, 100, 100, -100, 0, 0}), h = of({1, 2}, {0.5, 7});
  const Var U = of({6, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, -2, 1});
  check(gru_step(x, h, StepWeight(U)), {1, 2}, {std::tanh(0.5), std::tanh(-1.0)}, 1e-6);
}

TEST_CASE_FIXTURE(Values, "softmax: of whole rows, of the first entries, of entries far apart") {
  const double one = 1 / (1 + std::exp(1)), two = 1 - one, half = 0.5;
  const Var x = of({2, 3}, {1, 2, 1e4f, 7, 7, 7});
  check(softmax(x, {2, 1}), {2, 3}, {one, two, 0, 1, 0, 0}, 1e-7);
  check(softmax(of({1, 2}, {-1e4f, -1e4f})), {1, 2}, {half, half}, 1e-7);
  check(softmax(x), {2, 3}, {0, 0, 1, 1 / 3.0, 1 / 3.0, 1 / 3.0}, 1e-7);
  check(softmax(of({1, 3}, {0, 200, 400})), {1, 3}, {0, 0, 1}, 1e-7);  // two beyond what exp can give
}

TEST_CASE_FIXTURE(Values, "weighted_sum: weights by sentence, values by position") {
  const Var values = of({3, 2, 2}, {1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60});
  check(weighted_sum(of({2, 3}, {1, 2, 3, 0, -1, 1}), values), {2, 2}, {22, 28, 20, 20});
}

TEST_CASE_FIXTURE(Values, "dot_scores: of each sentence's own keys") {
  const Var keys = of({3, 2, 2}, {1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60});
  check(dot_scores(of({2, 2}, {1, -2, 0, 1}), keys), {2, 3}, {-3, -5, -7, 20, 40, 60});
}

TEST_CASE_FIXTURE(Values, "weighted_sum, dot_scores: rows of sentences, in search") {
  const Var x = of({3, 2, 2}, {1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60});
  const Indices rows = {1, 0, 0};
  check(weighted_sum(of({3, 3}, {0, -1, 1, 1, 2, 3, 1, 0, 0}), x, rows), {3, 2}, {20, 20, 22, 28, 1, 2});
  check(dot_scores(of({3, 2}, {0, 1, 1, -2, 1, 1}), x, rows), {3, 3}, {20, 40, 60, -3, -5, -7, 3, 7, 11});
}

TEST_CASE_FIXTURE(Values, "normalize: to length one, or another; zeros stay") {
  const Var x = of({2, 2}, {3, -4, 0, 0});
  check(normalize(x), {2, 2}, {0.6, -0.8, 0, 0}, 1e-6);
  check(normalize(x, of({2, 1}, {5, 5})), {2, 2}, {3, -4, 0, 0}, 1e-6);
  check(normalize(of({1, 2}, {3e-9f, 4e-9f})), {1, 2}, {0.3, 0.4}, 1e-6);  // by 1e-8
}

TEST_CASE_FIXTURE(Values, "address: gate, shift around the sentence's own end, sharpening") {
  // v = 0.5, 0.5, 0 and 0.5, 0.5; u = 0.25, 0.4, 0.35 and, where both neighbours are one, 0.5, 0.5
  const Var w = of({2, 3}, {1, 0, 0, 1, 0, 9}), before = of({2, 3}, {0, 1, 0, 0, 1, 9});
  const Addressing by{of({2, 1}, {0.5, 0.5}), of({2, 3}, {0.2f, 0.3f, 0.5f, 0.2f, 0.3f, 0.5f}),
                      of({2, 1}, {2, 2})};
  check(address(w, before, by, {3, 2}), {2, 3}, {0.0625 / 0.345, 0.16 / 0.345, 0.1225 / 0.345, 0.5, 0.5, 0},
        1e-6);
  // Of a single word; and a weight of zero.
  const Addressing ahead{of({2, 1}, {1, 1}), of({2, 3}, {0, 0, 1, 0, 0, 1}), of({2, 1}, {1, 1})};
  check(address(w, before, ahead, {3, 1}), {2, 3}, {0, 1, 0, 1, 0, 0}, 1e-6);
}

TEST_CASE_FIXTURE(Values, "attend: weights, context, padding, and rows that share a sentence") {
  const Var query = of({2, 1}, {0.5, -0.25}), v = of({1}, {2});
  const Var keys = of({2, 2, 1}, {0.1, 0.2, 0.3, 0.4}), values = of({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const double e0 = std::exp(2 * std::tanh(0.6)), e1 = std::exp(2 * std::tanh(0.8)), a0 = e0 / (e0 + e1),
               a1 = 1 - a0;
  const Attended y = attend(query, keys, values, v, {2, 1});
  check(y.context, {2, 2}, {a0 * 1 + a1 * 5, a0 * 2 + a1 * 6, 3, 4}, 3e-6);
  check(tape.constant(y.alpha), {2, 2}, {a0, a1, 1, 0}, 1e-6);
  CHECK(y.alpha.data()[3] == 0);  // exactly

  const Attended shared = attend(of({3, 1}, {0.5, 0.5, 0.5}), keys, values, v, {2, 1}, {0, 1, 0});
  check(shared.context, {3, 2}, {a0 * 1 + a1 * 5, a0 * 2 + a1 * 6, 3, 4, a0 * 1 + a1 * 5, a0 * 2 + a1 * 6},
        3e-6);
  const Attended other = attend(of({3, 1}, {0.5, 0.5, 0.5}), keys, values, v, {2, 1}, {1, 0, 1});
  check(other.context, {3, 2}, {3, 4, a0 * 1 + a1 * 5, a0 * 2 + a1 * 6, 3, 4}, 3e-6);
}

TEST_CASE_FIXTURE(Values, "attend: the dot score") {
  const Var keys = of({2, 2, 2}, {1, 2, 9, 9, 3, -1, 9, 9}), values = of({2, 2, 1}, {5, 6, 7, 8});
  const double e0 = std::exp(0.5 * 1 - 0.25 * 2), e1 = std::exp(0.5 * 3 + 0.25 * 1), a0 = e0 / (e0 + e1);
  const Attended y = attend(of({2, 2}, {0.5, -0.25, 1, 1}), keys, values, {}, {2, 1});
  check(y.context, {2, 1}, {a0 * 5 + (1 - a0) * 7, 6}, 3e-6);
  check(tape.constant(y.alpha), {2, 2}, {a0, 1 - a0, 1, 0}, 1e-6);
  const Attended shared = attend(of({3, 2}, {1, 1, 0.5, -0.25, 1, 1}), keys, values, {}, {2, 1}, {1, 0, 1});
  check(shared.context, {3, 1}, {6, a0 * 5 + (1 - a0) * 7, 6}, 3e-6);
}

TEST_CASE_FIXTURE(Values, "attend: scores of any size don't overflow the softmax") {
  const Attended y =
      attend(of({1, 1}, {0}), of({2, 1, 1}, {100, -100}), of({2, 1, 1}, {1, 2}), of({1}, {1e4f}), {2});
  check(tape.constant(y.alpha), {1, 2}, {1, 0}, 1e-30);
  check(y.context, {1, 1}, {1});

  // For any position of the maximum; larger values in padding don't count.
  const Var query = of({2, 1}, {0, 0}), v = of({1}, {1e4f}), values = of({3, 2, 1}, {1, 1, 2, 2, 3, 3});
  const Attended later = attend(query, of({3, 2, 1}, {-9, -9, 9, 0, -9, 9}), values, v, {3, 2});
  check(tape.constant(later.alpha), {2, 3}, {0, 1, 0, 0, 1, 0}, 1e-30);
  check(later.context, {2, 1}, {2, 2});
}

TEST_CASE_FIXTURE(Values, "softmax_xent: -log p, 0 in padding, label smoothing") {
  const double sum = std::log(std::exp(1) + std::exp(2) + std::exp(3));
  const Var logits = of({3, 3}, {1, 2, 3, 7, 8, 9, 1, 2, 3});
  check(softmax_xent(logits, {0, kNone, 2}), {3}, {sum - 1, 0, sum - 3}, 1e-6);
  const double mean = sum - 2;  // of -log p over the words
  check(softmax_xent(logits, {0, kNone, 2}, 0.3), {3},
        {0.7 * (sum - 1) + 0.3 * mean, 0, 0.7 * (sum - 3) + 0.3 * mean}, 1e-6);
}

TEST_CASE_FIXTURE(Values, "softmax_xent and log_sum_exp: large logits neither overflow nor vanish") {
  check(softmax_xent(of({2, 2}, {1e4f, 1e4f, -1e4f, 1e4f}), {0, 0}), {2}, {std::log(2), 2e4}, 1e-3);
  const auto output = [&](const Var& t, const Indices& targets) {  // of logits t
    return output_losses(t, of({2, 2}, {1, 0, 0, 1}), of({2}, {0, 0}), targets, 0);
  };
  check(output(of({2, 2}, {1e4f, 1e4f, -1e4f, 1e4f}), {0, 0}), {2}, {std::log(2), 2e4}, 1e-3);
  CHECK(std::isnan(output(of({1, 2}, {std::nanf(""), 1}), {1}).value().item()));
  const std::vector<real> x = {-1000, -1000, -1000, -1000};
  CHECK(log_sum_exp(4, x.data()) == doctest::Approx(-1000 + std::log(4)));
}

TEST_CASE_FIXTURE(Values, "a NaN is passed on by every operation that computes") {
  const real nan = std::nan("");
  const Var x = of({2, 2}, {1, 2, 3, nan});
  const std::vector<Var> results = {add(x, x),
                                    multiply(x, x),
                                    scale(x, 2),
                                    tanh(x),
                                    sigmoid(x),
                                    sum(x),
                                    mean(x),
                                    sum_rows(x),
                                    matmul(x, x),
                                    maxout(x),
                                    dropout(x, 0, {1, 1}),
                                    softmax_xent(x, {0, 0})};
  for (const Var& y : results) CHECK(std::isnan(y.value().data()[y.value().size() - 1]));
  CHECK(std::isnan(softmax_xent(of({1, 2}, {nan, 1}), {1}).value().item()));
  CHECK(std::isnan(maxout(of({1, 2}, {nan, 1})).value().item()));
}

}  // namespace mininmt
