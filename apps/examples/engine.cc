// The engine by itself: parameters, a tape, operations, an optimizer. Two layers of tanh learn on which of
// two spirals a point lies. The square around the spirals is drawn before and after training: 'o' where the
// network says the first spiral, '.' where it says the second.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "nn/notation.h"
#include "nn/training/optimizer.h"
#include "ops/reduce.h"
#include "ops/softmax_xent.h"

using namespace mininmt;
using namespace mininmt::notation;

int main() {
  Parameters parameters;
  const auto add = [&](const char* name, Shape shape) -> const Parameter& {
    return parameters.add(name, shape, Initial::normal(0.5));
  };
  const Parameter &W1 = add("W1", {32, 2}), &b1 = add("b1", {32}), &W2 = add("W2", {32, 32}),
                  &b2 = add("b2", {32}), &W3 = add("W3", {2, 32});
  parameters.allocate();
  parameters.initialize(1);
  const auto scores = [&](Tape& tape, const Tensor& x) {  // points (N, 2) -> a score for each spiral (N, 2)
    return W3 * tanh(W2 * tanh(W1 * tape.constant(x) + b1) + b2);
  };
  const auto draw = [&](const char* when) {
    std::puts(when);
    for (int line = 0; line < 31; ++line, std::puts(""))
      for (int column = 0; column < 61; ++column) {
        Tape tape;  // without gradients: nothing is kept for backward
        const Tensor point = Tensor::from({1, 2}, {column / real{30} - 1, 1 - line / real{15}});
        const Tensor s = scores(tape, point).value();
        std::putchar(s.data()[0] >= s.data()[1] ? 'o' : '.');
      }
  };
  const Tensor points({200, 2});
  std::vector<Id> spirals;
  for (int i = 0; i < 200; ++i) {  // the second spiral is the first one turned by half a circle
    const double radius = 0.1 + 0.9 * i / 200, angle = std::numbers::pi * (3 * radius + i % 2);
    points.data()[2 * i] = static_cast<real>(radius * std::cos(angle));
    points.data()[2 * i + 1] = static_cast<real>(radius * std::sin(angle));
    spirals.push_back(i % 2);
  }
  draw("before");
  const Tensor gradients = parameters.new_gradients();
  const auto optimizer = make_optimizer("adam", 0.01, parameters.values());
  for (int update = 0; update <= 600; ++update) {
    gradients.fill(0);
    Tape tape(gradients);
    const Var loss = mean(softmax_xent(scores(tape, points), spirals));
    tape.backward(loss);
    optimizer->update(parameters.values(), gradients, 1);
    if (update % 100 == 0) std::printf("update %d  loss %.4f\n", update, loss.value().item());
  }
  draw("after");
}
