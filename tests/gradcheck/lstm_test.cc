// The deep LSTM (MODEL.md 9.8), in double: the operation against the same equations in small operations and
// against PyTorch, and how the model puts layers together.
#include <doctest/doctest.h>

#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/lstm.h"
#include "ops/matmul.h"
#include "ops/output.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/gradcheck/lstm_torch.h"
#include "tests/models/twins.h"
#include "tests/ops/op_table.h"
#include "tests/ops/report.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;
using Build = std::function<Var(Tape&, const Inputs&)>;

constexpr double kRounding = 1e-12;

void check_near(const Tensor& x, const Tensor& y) {
  CHECK(largest_difference(x, y) <= kRounding * (1 + largest(y)));
}

void check_agree(const std::vector<Shape>& inputs, const Build& fused, const Build& composed) {
  const OpRow one{"fused", inputs, fused}, other{"composed", inputs, composed};
  Operands operands(one);
  const Outcome a = run(one, operands), b = run(other, operands);
  check_near(a.value, b.value);
  check_near(a.gradients, b.gradients);
  CHECK(largest(b.gradients) > 0);
}

// (rows, n), all of them p (n).
Var on_each_row(Var p, std::int64_t rows) {
  const Tensor ones({rows, 1});
  ones.fill(1);
  return matmul(p.tape->constant(ones), stack({p}));
}

// One step as in MODEL.md 9.8.
LstmState plain_step(Var x, const LstmState& before, Var U, Var p) {
  const std::int64_t n = U.shape()[1];
  const Var h = before.h, c = before.c;
  const auto part = [&](int k) { return add(columns(x, k * n, n), linear(h, slice(U, k * n, n))); };
  const auto peephole = [&](int k, Var cell) {
    return multiply(on_each_row(slice(p, k * n, n), cell.shape()[0]), cell);
  };
  const Var i = sigmoid(add(part(0), peephole(0, c))), f = sigmoid(add(part(1), peephole(1, c)));
  const Var c_next = add(multiply(f, c), multiply(i, tanh(part(2))));
  const Var o = sigmoid(add(part(3), peephole(2, c_next)));
  return {multiply(o, tanh(c_next)), c_next};
}

// `next` in rows of sentences that go on at step t, `before` in the others.
Var while_active(Var next, Var before, std::int64_t t, const Lengths& lengths) {
  const Tensor active = Tensor::zeros(next.shape()), ended = Tensor::zeros(next.shape());
  for (std::size_t b = 0; b < lengths.size(); ++b)
    (t < lengths[b] ? active : ended).slice(static_cast<std::int64_t>(b), 1).fill(1);
  return add(multiply(next, next.tape->constant(active)), multiply(before, next.tape->constant(ended)));
}

LstmStates composed_lstm(Var x, const LstmState& start, Var U, Var p, const Lengths& lengths) {
  LstmState state = start;
  std::vector<Var> h;
  for (std::int64_t t = 0; t < x.shape()[0]; ++t) {
    const LstmState next = plain_step(step(x, t), state, U, p);
    state = {while_active(next.h, state.h, t, lengths), while_active(next.c, state.c, t, lengths)};
    h.push_back(state.h);
  }
  return {stack(h), state};
}

// All of it in one value.
Var all_of(const LstmStates& states) {
  std::vector<Var> all = {states.last.h, states.last.c};
  for (std::int64_t t = 0; t < states.h.shape()[0]; ++t) all.push_back(step(states.h, t));
  return stack(all);
}

TEST_CASE("lstm is its steps one by one; after its end a sentence keeps h and c") {
  for (const Lengths& lengths : {Lengths{1}, {5}, {5, 1, 3}})
    for (const std::int64_t n : {1, 4}) {
      CAPTURE(n);
      const std::int64_t steps = 5, batch = static_cast<std::int64_t>(lengths.size());
      check_agree(
          {{steps, batch, 4 * n}, {batch, n}, {batch, n}, {4 * n, n}, {3 * n}},
          [&](Tape&, const Inputs& x) {
            return all_of(lstm(x[0], {x[1], x[2]}, x[3], x[4], lengths));
          },
          [&](Tape&, const Inputs& x) {
            return all_of(composed_lstm(x[0], {x[1], x[2]}, x[3], x[4], lengths));
          });
    }
}

TEST_CASE("from the state handed over the steps go on as in one sequence") {
  const std::int64_t steps = 5, first = 2, batch = 3, n = 4;
  check_agree(
      {{steps, batch, 4 * n}, {batch, n}, {batch, n}, {4 * n, n}, {3 * n}},
      [&](Tape&, const Inputs& x) {
        const LstmStates before = lstm(slice(x[0], 0, first), {x[1], x[2]}, x[3], x[4]);
        return lstm(slice(x[0], first, steps - first), before.last, x[3], x[4]).h;
      },
      [&](Tape&, const Inputs& x) {
        return slice(lstm(x[0], {x[1], x[2]}, x[3], x[4]).h, first, steps - first);
      });
}

TEST_CASE("without peepholes lstm is PyTorch's LSTM") {
  namespace torch = torch_lstm;
  constexpr std::int64_t T = torch::kSteps, B = torch::kBatch, m = torch::kInputs, n = torch::kUnits;
  Parameters parameters;
  const Parameter& W = parameters.add("W", {4 * n, m});
  const Parameter& U = parameters.add("U", {4 * n, n});
  const Parameter& b = parameters.add("b", {4 * n});
  const Parameter& x = parameters.add("x", {T, B, m});
  const Parameter& h = parameters.add("h", {B, n});
  const Parameter& c = parameters.add("c", {B, n});
  const Parameter& p = parameters.add("p", {3 * n});  // zeros
  parameters.allocate();
  using Values = std::vector<double>;
  struct Stored {
    const Parameter* parameter;
    const Values *values, *gradient;
  };
  const Stored inputs[] = {{&W, &torch::W, &torch::dW}, {&U, &torch::U, &torch::dU},
                           {&b, &torch::b, &torch::db}, {&x, &torch::x, &torch::dx},
                           {&h, &torch::h, &torch::dh}, {&c, &torch::c, &torch::dc}};
  for (const Stored& in : inputs) in.parameter->value.set(Tensor::from(in.parameter->shape, *in.values));

  const Tensor gradients = parameters.new_gradients();
  Tape tape(gradients);
  const LstmStates states = lstm(linear(tape.leaf(x), tape.leaf(W), tape.leaf(b)),
                                 {tape.leaf(h), tape.leaf(c)}, tape.leaf(U), tape.leaf(p), torch::kLengths);
  const Tensor is_word = Tensor::zeros({T, B, n});
  for (std::int64_t t = 0; t < T; ++t)
    for (std::int64_t s = 0; s < B; ++s)
      if (t < torch::kLengths[static_cast<std::size_t>(s)]) is_word.view((t * B + s) * n, {n}).fill(1);
  const Var words = multiply(states.h, tape.constant(is_word));
  check_near(words.value(), Tensor::from({T, B, n}, torch::states));
  check_near(states.last.h.value(), Tensor::from({B, n}, torch::h_last));
  check_near(states.last.c.value(), Tensor::from({B, n}, torch::c_last));
  tape.backward(add(add(sum(words), scale(sum(states.last.h), 2)), scale(sum(states.last.c), 3)));
  for (const Stored& in : inputs) {
    INFO(in.parameter->name);
    check_near(Parameters::view(gradients, *in.parameter), Tensor::from(in.parameter->shape, *in.gradient));
  }
}

TEST_CASE("the deep LSTM passes the gradient check, with label smoothing and dropout too") {
  const Batch batch = batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
  for (const bool noisy : {false, true}) {
    const auto model = random_model(lstm_config(noisy ? 0.3 : 0));
    const Noise noise{.on = noisy, .seed = 3, .update = 5};
    const GradcheckResult result = check_gradients(model->parameters(), [&](Tape& tape) {
      return model->costs(tape, batch, {noisy ? 0.1 : 0.0, noise});
    });
    report_row(noisy ? "model, lstm, noise" : "model, lstm", "S 5, T 4, m 3, n 4, 2 layers", result);
    CHECK(result.passed());
    CHECK(result.elements == model->parameters().count());
  }
}

const Parameter& find(const Model& model, const std::string& name) {
  for (const Parameter* p : model.parameters().all())
    if (p->name == name) return *p;
  throw Error("no " + name);
}

TEST_CASE("with the weights of the encoder the decoder goes on with the encoder's sequence, layer by layer") {
  Config config = lstm_config();
  config.target_words = config.source_words;
  config.set("reverse-source", false);
  const auto model = random_model(config);
  const auto parts = parts_of(*model);
  for (const auto& [name, values] : parts)
    if (name.starts_with("encoder.")) parts.at("decoder." + name.substr(8)).set(values);
  parts.at("target_embedding").set(parts.at("source_embedding"));

  const Sentence source = {3, 5, 2, kEos}, target = {4, 2, kEos};
  IdMatrix words(7, 1);  // the source, no word, and the target but for its end
  words.ids = {3, 5, 2, kEos, kNone, 4, 2};
  Tape tape;
  const auto leaf = [&](const std::string& name) { return tape.leaf(find(*model, name)); };
  Var x = embed(leaf("source_embedding"), words);
  for (const std::string layer : {"encoder.layer1.", "encoder.layer2."}) {
    const Var zero = tape.constant(Tensor::zeros({1, 4}));
    x = lstm(linear(x, leaf(layer + "W"), leaf(layer + "b")), {zero, zero}, leaf(layer + "U"),
             leaf(layer + "p"))
            .h;
  }
  const Var h = gather_rows(x, {4, 5, 6});
  const Var losses = output_losses(h, leaf("output.W_o"), leaf("output.b_y"), target, 0);
  CHECK(log_probabilities(*model, batch_of({source}, {target}))[0] ==
        doctest::Approx(-sum(losses).value().item()).epsilon(kRounding));
}

TEST_CASE("the source is read in reverse, but for </s>, each sentence by its own length") {
  const Sentences sources = {{3, 5, 2, kEos}, {4, kEos}, {kEos}, {2, 3, 4, 5, 6, kEos}};
  const Sentences reversed = {{2, 5, 3, kEos}, {4, kEos}, {kEos}, {6, 5, 4, 3, 2, kEos}};
  const Sentences targets = random_sentences({4, 2, 3, 1}, 11, 2);
  Config forward = lstm_config();
  forward.set("reverse-source", false);
  const auto a = random_model(lstm_config()), b = random_model(forward);
  CHECK(log_probabilities(*a, batch_of(sources, targets)) ==
        log_probabilities(*b, batch_of(reversed, targets)));
  CHECK(log_probabilities(*a, batch_of(sources, targets)) !=
        log_probabilities(*b, batch_of(sources, targets)));
}

}  // namespace
}  // namespace mininmt
