// A batch of one gives the same as the sentence in a padded batch, values and gradients.
#include <doctest/doctest.h>

#include <algorithm>

#include "ops/attention.h"
#include "ops/gru.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;

const Lengths kLengths = {4, 1, 7, 2, 7};
constexpr std::int64_t kSteps = 7, kBatch = 5;

// The first `length` steps of sentence b of x (S, B, n): (length, 1, n).
Tensor sentence(const Tensor& x, std::int64_t b, std::int64_t length) {
  const std::int64_t batch = x.shape()[1], n = x.shape()[2];
  const Tensor y({length, 1, n});
  for (std::int64_t t = 0; t < length; ++t)
    for (std::int64_t i = 0; i < n; ++i) y.data()[t * n + i] = x.data()[(t * batch + b) * n + i];
  return y;
}

void check_close(const Tensor& a, const Tensor& b) {
  CHECK(largest_difference(a, b) <= 2e-6 * (1 + largest(b)));
}

// L = sum of y * weights, dL/dx in `gradients`.
void backward(Tape& tape, Var y, const Tensor& weights) {
  const Var loss =
      tape.record("loss", Tensor::from({}, {0}), {y}, [y, weights](const Tensor&, const Tensor&) {
        for (std::int64_t i = 0; i < weights.size(); ++i) y.gradient().data()[i] += weights.data()[i];
      });
  tape.backward(loss);
}

// One sentence of a sequence model: its parameters as `operands` of the shapes of a batch of one.
struct Alone {
  Parameters parameters;
  std::vector<const Parameter*> inputs;
  Tensor gradients;

  explicit Alone(const std::vector<Tensor>& values) {
    for (std::size_t i = 0; i < values.size(); ++i)
      inputs.push_back(&parameters.add("input" + std::to_string(i), values[i].shape()));
    parameters.allocate();
    for (std::size_t i = 0; i < values.size(); ++i)
      std::copy(values[i].values().begin(), values[i].values().end(), inputs[i]->value.data());
    gradients = parameters.new_gradients();
  }
  Tensor gradient(int input) const { return Parameters::view(gradients, *inputs[input]); }
};

Tensor random_weights(const Shape& shape) {
  const OpRow row{"weights", {shape}, {}};
  return Operands(row, 9).value(0);
}

}  // namespace

TEST_CASE("gru_sequence: a sentence alone and in a padded batch") {
  const std::int64_t n = 9;
  const OpRow shapes{"gru", {{kSteps, kBatch, 3 * n}, {3 * n, n}}, {}};
  Operands batch(shapes);
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    // After padding the state is that of the last word, so weigh only real positions.
    Tensor weights = random_weights({kSteps, kBatch, n}).clone();
    for (std::int64_t t = 0; t < kSteps; ++t)
      for (std::int64_t b = 0; b < kBatch; ++b)
        if (t >= kLengths[b]) weights.view((t * kBatch + b) * n, {n}).fill(0);
    const Tensor gradients = batch.parameters().new_gradients();
    Tape tape(gradients);
    const std::vector<Var> x = batch.leaves(tape);
    const Var h = gru_sequence(x[0], x[1], kLengths, direction);
    const Tensor states = h.value();
    backward(tape, h, weights);

    Tensor dU = Tensor::zeros({3 * n, n});
    for (std::int64_t b = 0; b < kBatch; ++b) {
      CAPTURE(b);
      const std::int64_t length = kLengths[b];
      Alone alone({sentence(batch.value(0), b, length), batch.value(1)});
      Tape own(alone.gradients);
      const Var y =
          gru_sequence(own.leaf(*alone.inputs[0]), own.leaf(*alone.inputs[1]), {kLengths[b]}, direction);
      check_close(sentence(states, b, length), y.value());
      backward(own, y, sentence(weights, b, length));
      check_close(sentence(batch.gradient(gradients, 0), b, length), alone.gradient(0));
      for (std::int64_t i = 0; i < dU.size(); ++i) dU.data()[i] += alone.gradient(1).data()[i];
    }
    check_close(batch.gradient(gradients, 1), dU);
  }
}

TEST_CASE("attend: a sentence alone and in a padded batch") {
  const std::int64_t A = 11, C = 6;
  const OpRow shapes{"attend", {{kBatch, A}, {kSteps, kBatch, A}, {kSteps, kBatch, C}, {A}}, {}};
  Operands batch(shapes);
  const Tensor weights = random_weights({kBatch, C}), gradients = batch.parameters().new_gradients();
  Tape tape(gradients);
  const std::vector<Var> x = batch.leaves(tape);
  const Attended attended = attend(x[0], x[1], x[2], x[3], kLengths);
  const Tensor context = attended.context.value();
  backward(tape, attended.context, weights);

  Tensor dv = Tensor::zeros({A});
  for (std::int64_t b = 0; b < kBatch; ++b) {
    CAPTURE(b);
    const std::int64_t length = kLengths[b];
    Alone alone({batch.value(0).slice(b, 1), sentence(batch.value(1), b, length),
                 sentence(batch.value(2), b, length), batch.value(3)});
    Tape own(alone.gradients);
    std::vector<Var> y;
    for (const Parameter* input : alone.inputs) y.push_back(own.leaf(*input));
    const Attended result = attend(y[0], y[1], y[2], y[3], {kLengths[b]});
    CHECK(same_bits(context.slice(b, 1), result.context.value()));
    for (std::int64_t j = 0; j < kSteps; ++j)
      CHECK(attended.alpha.data()[b * kSteps + j] == (j < length ? result.alpha.data()[j] : 0));
    backward(own, result.context, weights.slice(b, 1));
    CHECK(same_bits(batch.gradient(gradients, 0).slice(b, 1), alone.gradient(0)));
    CHECK(same_bits(sentence(batch.gradient(gradients, 1), b, length), alone.gradient(1)));
    CHECK(same_bits(sentence(batch.gradient(gradients, 2), b, length), alone.gradient(2)));
    for (std::int64_t i = 0; i < A; ++i) dv.data()[i] += alone.gradient(3).data()[i];
  }
  check_close(batch.gradient(gradients, 3), dv);
}

}  // namespace mininmt
