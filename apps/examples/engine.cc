// The engine without a model: parameters, a tape, operations, an optimizer. A two-layer tanh network learns
// which of two spirals a point is on. Its decisions over the square around them are drawn before and after
// training, 'o' for the first spiral and '.' for the second. Exits with 0 if it classifies all points right.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "nn/training/optimizer.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/softmax_xent.h"

using namespace mininmt;

constexpr int kPoints = 200, kHidden = 32, kUpdates = 600, kColumns = 61, kLines = 31;

int main() {
  // The data: point i is on spiral i % 2; the second spiral is the first one turned by half a circle.
  const Tensor points({kPoints, 2}), square({kLines * kColumns, 2});
  std::vector<Id> spirals;
  for (int i = 0; i < kPoints; ++i) {
    const double radius = 0.1 + 0.9 * i / kPoints, angle = std::numbers::pi * (3 * radius + i % 2);
    points.data()[2 * i] = static_cast<real>(radius * std::cos(angle));
    points.data()[2 * i + 1] = static_cast<real>(radius * std::sin(angle));
    spirals.push_back(i % 2);
  }
  for (int i = 0; i < kLines * kColumns; ++i) {  // line by line, from (-1, 1) to (1, -1)
    square.data()[2 * i] = real{2} * static_cast<real>(i % kColumns) / (kColumns - 1) - 1;
    square.data()[2 * i + 1] = 1 - real{2} * static_cast<real>(i / kColumns) / (kLines - 1);
  }

  // The parameters, randomly initialized, and the network: a score for each spiral.
  const Initial initial = Initial::normal(0.5);
  Parameters parameters;
  const Parameter &W1 = parameters.add("W1", {kHidden, 2}, initial),
                  &b1 = parameters.add("b1", {kHidden}, initial),
                  &W2 = parameters.add("W2", {kHidden, kHidden}, initial),
                  &b2 = parameters.add("b2", {kHidden}, initial),
                  &W3 = parameters.add("W3", {2, kHidden}, initial);
  parameters.allocate();
  parameters.initialize(1);

  const auto network = [&](Tape& tape, const Tensor& x) {
    const Var h1 = tanh(linear(tape.constant(x), tape.leaf(W1), tape.leaf(b1)));
    const Var h2 = tanh(linear(h1, tape.leaf(W2), tape.leaf(b2)));
    return linear(h2, tape.leaf(W3));
  };
  const auto answers = [&](const Tensor& x) {  // the spiral of the higher score
    Tape tape;                                 // no gradients: nothing is kept for backward
    const Tensor scores = network(tape, x).value();
    std::vector<Id> best;
    for (int i = 0; i < x.shape()[0]; ++i) best.push_back(scores.data()[2 * i] < scores.data()[2 * i + 1]);
    return best;
  };
  const auto draw = [&](const char* when) {
    std::puts(when);
    int i = 0;
    for (const Id answer : answers(square))
      std::printf("%c%s", answer == 0 ? 'o' : '.', ++i % kColumns == 0 ? "\n" : "");
  };

  // Training: forward, backward, a step of the optimizer.
  draw("before");
  const Tensor gradients = parameters.new_gradients();
  const auto optimizer = make_optimizer("adam", 0.01, parameters.values());
  for (int update = 0; update <= kUpdates; ++update) {
    gradients.fill(0);
    Tape tape(gradients);
    const Var loss = mean(softmax_xent(network(tape, points), spirals));
    tape.backward(loss);
    optimizer->update(parameters.values(), gradients, 1);
    if (update % 100 == 0) std::printf("update %d  loss %.4f\n", update, loss.value().item());
  }
  draw("after");
  return answers(points) == spirals ? 0 : 1;
}
