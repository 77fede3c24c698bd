#include "tests/ops/op_table.h"

#include <algorithm>
#include <cmath>

#include "ops/arrange.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/gru.h"
#include "ops/lstm.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/output.h"
#include "ops/reduce.h"
#include "ops/softmax_xent.h"
#include "tests/ops/attention_rows.h"
#include "tests/ops/cell_rows.h"
#include "tests/ops/transformer_rows.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;

struct ProductSize {
  std::int64_t m, n, k;
  bool large = false;
};

void add_products(Rows& rows, std::initializer_list<ProductSize> sizes) {
  for (const auto& [m, n, k, large] : sizes) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        rows.push_back({std::string("matmul a") + (ta ? "^T" : "") + " b" + (tb ? "^T" : ""),
                        {ta ? Shape{k, m} : Shape{m, k}, tb ? Shape{n, k} : Shape{k, n}},
                        [ta, tb](Tape&, const Inputs& x) { return matmul(x[0], x[1], ta, tb); },
                        large,
                        true});
    rows.push_back(
        {"linear", {{m, k}, {n, k}}, [](Tape&, const Inputs& x) { return linear(x[0], x[1]); }, large, true});
    rows.push_back({"linear, bias",
                    {{m, k}, {n, k}, {n}},
                    [](Tape&, const Inputs& x) { return linear(x[0], x[1], x[2]); },
                    large,
                    true});
    rows.push_back({"linear of a sequence",
                    {{3, m, k}, {n, k}, {n}},
                    [](Tape&, const Inputs& x) { return linear(x[0], x[1], x[2]); },
                    large,
                    true});
    rows.push_back({"linear, step weight, 3 steps",
                    {{3, m, k}, {n, k}},
                    [](Tape&, const Inputs& x) {
                      const StepWeight W(x[1]);
                      std::vector<Var> steps;
                      for (int t = 0; t < 3; ++t) steps.push_back(linear(step(x[0], t), W));
                      return stack(steps);
                    },
                    large,
                    true});
  }
}

// Shapes with more elements are too big for the gradient check.
constexpr std::int64_t kMostChecked = 900;

void add_elementwise(Rows& rows, std::initializer_list<Shape> shapes) {
  for (const Shape& shape : shapes) {
    const bool large = shape.size() > kMostChecked;
    rows.push_back({"add", {shape, shape}, [](Tape&, const Inputs& x) { return add(x[0], x[1]); }, large});
    if (shape.rank() > 1)
      rows.push_back(
          {"add, bias", {shape, {shape[-1]}}, [](Tape&, const Inputs& x) { return add(x[0], x[1]); }, large});
    rows.push_back(
        {"add, to itself", {shape}, [](Tape&, const Inputs& x) { return add(x[0], x[0]); }, large});
    rows.push_back(
        {"multiply", {shape, shape}, [](Tape&, const Inputs& x) { return multiply(x[0], x[1]); }, large});
    rows.push_back(
        {"multiply, by itself", {shape}, [](Tape&, const Inputs& x) { return multiply(x[0], x[0]); }, large});
    rows.push_back(
        {"scale", {shape}, [](Tape&, const Inputs& x) { return scale(x[0], real{-1.75}); }, large});
    for (const ElementwiseRow& f : elementwise_rows())
      rows.push_back({f.name, {shape}, [op = f.op](Tape&, const Inputs& x) { return op(x[0]); }, large});
    rows.push_back({"dropout",
                    {shape},
                    [](Tape&, const Inputs& x) {
                      return dropout(x[0], 0.3, {5, 9});
                    },
                    large});
    rows.push_back({"dropout, p = 0",
                    {shape},
                    [](Tape&, const Inputs& x) {
                      return dropout(x[0], 0, {5, 9});
                    },
                    large});
  }
}

void add_reductions(Rows& rows, std::initializer_list<Shape> shapes) {
  for (const Shape& shape : shapes) {
    const bool large = shape.size() > kMostChecked;
    rows.push_back({"sum", {shape}, [](Tape&, const Inputs& x) { return sum(x[0]); }, large});
    rows.push_back({"sum_rows", {shape}, [](Tape&, const Inputs& x) { return sum_rows(x[0]); }, large});
    rows.push_back({"mean", {shape}, [](Tape&, const Inputs& x) { return mean(x[0]); }, large});
  }
}

struct SequenceSize {
  std::int64_t steps, batch, n;
  bool large = false;
};

void add_arrangement(Rows& rows, std::initializer_list<SequenceSize> sizes) {
  for (const SequenceSize& size : sizes) {
    const std::int64_t steps = size.steps, batch = size.batch, n = size.n;
    const bool large = size.large;
    const Shape shape{steps, batch, n};
    const std::int64_t last = steps - 1, half = (n + 1) / 2;
    rows.push_back({"slice",
                    {shape},
                    [=](Tape&, const Inputs& x) { return slice(x[0], last / 2, steps - last / 2); },
                    large});
    rows.push_back({"slice, overlapping",
                    {shape},
                    [=](Tape&, const Inputs& x) {
                      const std::int64_t count = (steps + 1) / 2;
                      return multiply(slice(x[0], 0, count), slice(x[0], steps - count, count));
                    },
                    large});
    rows.push_back({"step", {shape}, [=](Tape&, const Inputs& x) { return step(x[0], last); }, large});
    rows.push_back({"step of a slice",
                    {shape},
                    [=](Tape&, const Inputs& x) { return tanh(step(slice(x[0], last, 1), 0)); },
                    large});
    rows.push_back(
        {"columns", {shape}, [=](Tape&, const Inputs& x) { return columns(x[0], n - half, half); }, large});
    rows.push_back({"concat",
                    {shape, shape.with_last(3)},
                    [](Tape&, const Inputs& x) { return concat(x[0], x[1]); },
                    large});
    rows.push_back(
        {"concat, with itself", {shape}, [](Tape&, const Inputs& x) { return concat(x[0], x[0]); }, large});
    rows.push_back({"stack",
                    {{batch, n}, {batch, n}},
                    [](Tape&, const Inputs& x) {
                      return stack({x[1], x[0], x[1]});
                    },
                    large});
    rows.push_back({"concat_rows, of different numbers, one twice",
                    {{batch, n}, {steps + 1, n}},
                    [=](Tape&, const Inputs& x) {
                      return concat_rows({x[1], first_rows(x[0], (batch + 1) / 2), x[0], x[1]});
                    },
                    large});
    rows.push_back({"gather_rows, with repeats and kNone",
                    {shape},
                    [=](Tape&, const Inputs& x) {
                      const std::int64_t end = steps * batch - 1;
                      const auto row = [](std::int64_t i) { return static_cast<std::int32_t>(i); };
                      return gather_rows(x[0], {row(end), 0, row(end / 2), kNone, row(end), 0, row(end)});
                    },
                    large});
    IdMatrix ids(steps + 2, batch);
    for (int t = 0; t < ids.steps; ++t)
      for (int b = 0; b < ids.batch; ++b)
        ids.at(t, b) = (t + b) % 3 == 2 ? kNone : static_cast<Id>((t * 5 + b * 3) % steps);
    rows.push_back({"embed, with repeats and kNone",
                    {{steps, n}},
                    [ids](Tape&, const Inputs& x) { return embed(x[0], ids); },
                    large});
    IdMatrix frequent(43, 3);  // mostly a single word
    for (std::size_t i = 0; i < frequent.ids.size(); ++i)
      frequent.ids[i] = static_cast<Id>(i % 7 == 5 ? i % steps : last);
    rows.push_back({"embed, mostly one word",
                    {{steps, n}},
                    [frequent](Tape&, const Inputs& x) { return embed(x[0], frequent); },
                    large});
  }
}

void add_recurrent(Rows& rows, std::initializer_list<SequenceSize> sizes) {
  for (const SequenceSize& size : sizes) {
    const std::int64_t steps = size.steps, batch = size.batch, n = size.n;
    const bool large = size.large;
    const Lengths lengths = ragged(steps, batch);
    for (const Direction direction : {Direction::kForward, Direction::kBackward})
      rows.push_back({direction == Direction::kForward ? "gru_sequence, forward" : "gru_sequence, backward",
                      {{steps, batch, 3 * n}, {3 * n, n}},
                      [lengths, direction](Tape&, const Inputs& x) {
                        return gru_sequence(x[0], x[1], lengths, direction);
                      },
                      large,
                      true,
                      {{0, padded_rows(steps, lengths)}}});
    const Padding padding{0, padded_rows(steps, lengths)};
    rows.push_back({"bigru",
                    {{steps, batch, 3 * n}, {3 * n, n}, {steps, batch, 3 * n}, {3 * n, n}},
                    [lengths](Tape&, const Inputs& x) {
                      const Bigru h = bigru(x[0], x[1], x[2], x[3], lengths);
                      return concat(h.forward, h.backward);
                    },
                    large,
                    true,
                    {padding, {2, padding.rows}}});
    rows.push_back({"lstm",
                    {{steps, batch, 4 * n}, {batch, n}, {batch, n}, {4 * n, n}, {3 * n}},
                    [lengths](Tape&, const Inputs& x) {
                      const LstmStates y = lstm(x[0], {x[1], x[2]}, x[3], x[4], lengths);
                      return stack({step(y.h, 0), step(y.h, y.h.shape()[0] / 2), y.last.h, y.last.c});
                    },
                    large,
                    true,
                    {padding}});
    rows.push_back({"reverse_sentences",
                    {{steps, batch, n}},
                    [lengths](Tape&, const Inputs& x) { return reverse_sentences(x[0], lengths); },
                    large,
                    false,
                    {padding}});
    rows.push_back({"gru_step with a context, every step",
                    {{steps, batch, 3 * n}, {3 * n, n}, {batch, n}, {steps, batch, 5}, {3 * n, 5}},
                    [steps](Tape&, const Inputs& x) {
                      const StepWeight U(x[1]), C(x[4]);
                      std::vector<Var> states = {x[2]};
                      for (std::int64_t t = 0; t < steps; ++t)
                        states.push_back(gru_step(step(x[0], t), states.back(), U, step(x[3], t), C));
                      return stack(states);
                    },
                    large,
                    true});
    rows.push_back({"gru_step, every step",
                    {{steps, batch, 3 * n}, {3 * n, n}, {batch, n}},
                    [steps](Tape&, const Inputs& x) {
                      const StepWeight U(x[1]);
                      std::vector<Var> states = {x[2]};
                      for (std::int64_t t = 0; t < steps; ++t)
                        states.push_back(gru_step(step(x[0], t), states.back(), U));
                      return stack(states);
                    },
                    large,
                    true});
  }
}

struct ReadoutSize {
  std::int64_t count, words;
  bool large = false;
};

void add_readout(Rows& rows, std::initializer_list<ReadoutSize> sizes) {
  for (const auto& [count, words, large] : sizes) {
    rows.push_back(
        {"maxout", {{count, 2 * words}}, [](Tape&, const Inputs& x) { return maxout(x[0]); }, large});
    std::vector<Id> targets;
    std::vector<std::int64_t> padded;
    for (std::int64_t i = 0; i < count; ++i) {
      targets.push_back(i % 4 == 2 ? kNone : static_cast<Id>(i * 5 % words));
      if (targets.back() == kNone) padded.push_back(i);
    }
    for (const double smoothing : {0.0, 0.1}) {
      const std::string suffix = smoothing == 0 ? "" : ", label smoothing";
      rows.push_back({"softmax_xent" + suffix,
                      {{count, words}},
                      [=](Tape&, const Inputs& x) { return softmax_xent(x[0], targets, smoothing); },
                      large,
                      false,
                      {{0, padded}}});
      rows.push_back(
          {"output_losses" + suffix,
           {{count, 5}, {words, 5}, {words}},
           [=](Tape&, const Inputs& x) { return output_losses(x[0], x[1], x[2], targets, smoothing); },
           large,
           true});
    }
  }
}

using Exact = long double;
Exact logistic(Exact x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

const std::vector<ElementwiseRow>& elementwise_rows() {
  static const std::vector<ElementwiseRow> rows = {
      {"tanh", tanh, std::tanh, [](Exact x) { return 1 / (std::cosh(x) * std::cosh(x)); }},
      {"sigmoid", sigmoid, logistic, [](Exact x) { return logistic(x) * logistic(-x); }},
      {"softplus", softplus,
       [](Exact x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, logistic},
      {"relu", relu, [](Exact x) { return x > 0 ? x : 0; }, [](Exact x) { return x > 0 ? Exact{1} : 0; }},
  };
  return rows;
}

const std::vector<OpRow>& op_table() {
  static const std::vector<OpRow> table = [] {
    std::vector<OpRow> rows;
    add_products(rows, {{1, 1, 1}, {3, 7, 1}, {7, 1, 17}, {17, 7, 33}, {1, 33, 17}, {129, 257, 131, true}});
    add_elementwise(rows, {{1}, {7}, {3, 17}, {33, 1}, {3, 1, 7}, {2, 3, 1, 7}, {301, 257}});
    add_reductions(rows, {{1}, {33}, {7, 17}, {3, 1, 7}, {301, 257}});
    add_arrangement(rows, {{1, 1, 1}, {3, 1, 7}, {7, 3, 17}, {3, 33, 1}, {5, 67, 513, true}});
    add_recurrent(rows,
                  {{1, 1, 1}, {3, 1, 7}, {7, 3, 3}, {5, 7, 1}, {3, 3, 17}, {2, 2, 33}, {5, 67, 65, true}});
    add_attention(rows, {{1, 1, 1, 1},
                         {3, 1, 7, 3},
                         {7, 3, 17, 33},
                         {17, 7, 3, 1},
                         {33, 2, 1, 7},
                         {3, 3, 33, 17},
                         {37, 33, 65, 129, true}});
    add_cells(rows, {{1, 1, 1, 1, 2}, {3, 1, 2, 7, 3}, {5, 3, 4, 3, 7}, {17, 9, 12, 33, 129, true}});
    add_transformer(rows, {{1, 1, 1, 1, 4}, {3, 4, 2, 1, 6}, {4, 3, 3, 2, 3}, {33, 35, 3, 3, 22, true}});
    add_readout(rows, {{1, 1}, {1, 7}, {3, 33}, {17, 3}, {7, 17}, {77, 1001, true}});
    return rows;
  }();
  return table;
}

const std::vector<OpRow>& wide_op_table() {
  static const std::vector<OpRow> table = [] {
    std::vector<OpRow> rows;
    add_products(rows, {{31, 33, 1000, true}, {1, 1023, 1000, true}});
    add_elementwise(rows, {{31}, {1000}, {1023}, {33, 1023}, {1023, 31}});
    add_reductions(rows, {{1000}, {1023, 33}, {31, 1000}, {2, 1023}, {1023, 1}});
    add_arrangement(rows, {{2, 3, 1000, true}, {3, 1, 1023, true}, {31, 33, 31, true}, {501, 2, 4, true}});
    add_recurrent(rows, {{2, 2, 256, true}, {2, 3, 511, true}, {31, 33, 31, true}, {129, 3, 4, true}});
    add_attention(rows, {{301, 5, 33, 31, true},
                         {40, 3, 1000, 2000, true},
                         {33, 4, 1023, 1023, true},
                         {1100, 2, 31, 64, true},
                         {2, 65, 128, 256, true}});
    add_cells(rows, {{33, 2, 3, 31, 1023, true}, {3, 5, 12, 65, 1000, true}, {257, 1, 2, 4, 3, true}});
    add_transformer(rows, {{3, 65, 2, 2, 129, true}});
    add_readout(rows, {{31, 1000, true}, {3, 1023, true}, {5, 30001, true}, {1023, 33, true}});
    return rows;
  }();
  return table;
}

}  // namespace mininmt
