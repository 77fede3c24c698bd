// A weight used at every step: its gradient is complete, whichever steps the loss depends on.
#include <doctest/doctest.h>

#include "ops/arrange.h"
#include "ops/bf16_products.h"
#include "ops/matmul.h"
#include "ops/reduce.h"

namespace mininmt {
namespace {

struct Model {
  Parameters parameters;
  const Parameter& W = parameters.add("W", {2, 3});
  Tensor gradients;
  Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});

  Model() {
    parameters.allocate();
    gradients = parameters.new_gradients();
  }
  std::vector<real> gradient() const {
    const Tensor g = Parameters::view(gradients, W);
    return {g.values().begin(), g.values().end()};
  }
};

using Numbers = std::vector<real>;

}  // namespace

TEST_CASE_FIXTURE(Model, "the gradient is the sum of dy^T x over the steps") {
  Tape tape(gradients);
  const StepWeight weight(tape.leaf(W));
  const Var one = tape.constant(x.slice(0, 1)), two = tape.constant(x.slice(1, 1));
  const Var loss = sum(stack({linear(one, weight), linear(two, weight), linear(two, weight)}));
  CHECK(gradient() == Numbers(6, 0));
  tape.backward(loss);
  CHECK(gradient() == Numbers{9, 12, 15, 9, 12, 15});
}

TEST_CASE_FIXTURE(Model, "a step that the loss does not hang on adds nothing") {
  Tape tape(gradients);
  const StepWeight weight(tape.leaf(W));
  const Var first = linear(tape.constant(x.slice(0, 1)), weight);
  linear(tape.constant(x.slice(1, 1)), weight);
  tape.backward(sum(first));
  CHECK(gradient() == Numbers{1, 2, 3, 1, 2, 3});
}

TEST_CASE_FIXTURE(Model, "steps of different numbers of rows; no step at all") {
  Tape tape(gradients);
  const StepWeight weight(tape.leaf(W)), unused(tape.leaf(W));
  const Var both = linear(tape.constant(x), weight), first = linear(tape.constant(x.slice(0, 1)), weight);
  tape.backward(sum(stack({sum(both), sum(first)})));
  CHECK(gradient() == Numbers{6, 9, 12, 6, 9, 12});
}

TEST_CASE_FIXTURE(Model, "steps handed in for a part of the weight") {
  Tape tape(gradients);
  const StepWeight weight(tape.leaf(W));
  const Var y = linear(tape.constant(x), weight);
  weight.add_step(x, Tensor::from({2, 2}, {100, 2, 100, 3}), 1, 1);
  tape.backward(sum(slice(y, 0, 0)));
  CHECK(gradient() == Numbers{0, 0, 0, 2 * 1 + 3 * 4, 2 * 2 + 3 * 5, 2 * 3 + 3 * 6});
}

// They are joined and rounded at once; numbers this small stay as they are.
TEST_CASE_FIXTURE(Model,
                  "the same in bf16, of different numbers of rows" * doctest::skip(!can_multiply_bf16())) {
  Bf16Products products({});
  const Bf16Products::Use use(products);
  Tape tape(gradients);
  const StepWeight weight(tape.leaf(W));
  const Var y = linear(tape.constant(x), weight);
  weight.add_step(x, Tensor::from({2, 2}, {100, 2, 100, 3}), 1, 1);
  weight.add_step(x.slice(0, 1), Tensor::from({1, 2}, {100, 7}), 1, 1);
  weight.add_step(x, Tensor::from({2, 2}, {1, 100, 2, 100}), 0, 1);
  tape.backward(sum(slice(y, 0, 0)));
  CHECK(gradient() == Numbers{9, 12, 15, 14 + 7, 19 + 14, 24 + 21});
}

}  // namespace mininmt
