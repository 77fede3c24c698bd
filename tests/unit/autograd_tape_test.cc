// The tape: order, sharing, accumulating gradients, and chains too long for recursion.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Model {
  Parameters parameters;
  const Parameter& p = parameters.add("p", {4});
  const Parameter& q = parameters.add("q", {3, 2});
  Tensor gradients;

  Model() {
    parameters.allocate();
    real next = 1;
    for (const Parameter* parameter : {&p, &q})
      for (real& x : parameter->value.values()) x = next++;
    gradients = parameters.new_gradients();
  }
  std::vector<real> gradient(const Parameter& parameter) const {
    const Tensor g = Parameters::view(gradients, parameter);
    return {g.values().begin(), g.values().end()};
  }
};

using Numbers = std::vector<real>;

// x, of four numbers; backward adds the name to `order`.
Var noting(Tape& tape, Var x, char name, std::string& order) {
  return tape.record("test", x.value(), {x}, [x, name, &order](const Tensor&, const Tensor& dy) {
    order += name;
    for (int k = 0; k < 4; ++k) x.gradient().data()[k] += dy.data()[k];
  });
}

}  // namespace

TEST_CASE_FIXTURE(Model, "a chain of 1,000,000 nodes forward, backward and free") {
  constexpr int kNodes = 1'000'000;
  {
    Tape tape(gradients);
    const Var x = tape.leaf(p);
    Var y = x;
    const Tensor value = x.value();  // shared, to test only the chain
    for (int i = 0; i < kNodes; ++i) {
      const Var before = y;
      y = tape.record("test", value, {before}, [before](const Tensor&, const Tensor& dy) {
        for (int k = 0; k < 4; ++k) before.gradient().data()[k] += dy.data()[k];
      });
    }
    CHECK(tape.size() == kNodes + 1);
    tape.backward(sum(y));
  }
  CHECK(gradient(p) == Numbers{1, 1, 1, 1});
}

TEST_CASE_FIXTURE(Model, "a long chain holds no more than a few gradients at a time") {
  Tape tape(gradients);
  Var y = tape.leaf(p);
  const Tensor value = y.value();
  std::size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Var before = y;
    y = tape.record("test", value, {before}, [before, &most](const Tensor&, const Tensor& dy) {
      before.gradient().data()[0] += dy.data()[0];
      most = std::max(most, cpu_memory().pool().in_use());
    });
  }
  const Var loss = sum(y);
  const std::size_t before = cpu_memory().pool().in_use();
  tape.backward(loss);
  CHECK(most <= before + 4096);
}

TEST_CASE_FIXTURE(Model, "diamond: the gradients of both ways add") {
  Tape tape(gradients);
  const Var x = tape.leaf(p), a = scale(x, 2), b = scale(x, 3);
  tape.backward(sum(add(multiply(a, b), a)));  // 6 x^2 + 2 x
  CHECK(gradient(p) == Numbers{14, 26, 38, 50});
}

TEST_CASE_FIXTURE(Model, "a parameter's leaf is one Var, however often it is asked for") {
  Tape tape(gradients);
  const Var one = tape.leaf(p), two = tape.leaf(p);
  CHECK(one.id == two.id);
  tape.backward(sum(add(one, scale(two, 2))));
  CHECK(gradient(p) == Numbers{3, 3, 3, 3});
  CHECK(gradient(q) == Numbers(6, 0));
}

TEST_CASE_FIXTURE(Model, "two tapes add into one block of gradients") {
  for (int batch = 0; batch < 2; ++batch) {
    Tape tape(gradients);
    tape.backward(sum(tape.leaf(p)));
  }
  CHECK(gradient(p) == Numbers{2, 2, 2, 2});
}

TEST_CASE_FIXTURE(Model, "slices share value and gradient; a slice of a slice too") {
  Tape tape(gradients);
  const Var x = tape.leaf(q), part = slice(x, 1, 2), inner = slice(part, 1, 1), row = step(part, 0);
  CHECK(part.value().data() == x.value().data() + 2);
  CHECK(inner.value().data() == x.value().data() + 4);
  CHECK(row.shape() == Shape{2});
  tape.backward(add(add(sum(x), scale(sum(part), 10)), add(scale(sum(inner), 100), scale(sum(row), 1000))));
  CHECK(gradient(q) == Numbers{1, 1, 1011, 1011, 111, 111});
}

TEST_CASE_FIXTURE(Model, "slices of a computed value: what was recorded between them counts") {
  Tape tape(gradients);
  const Var y = scale(tape.leaf(q), 2), first = step(y, 0);
  const Var whole = multiply(y, y);                            // 4 q^2
  const Var last = step(slice(y, 1, 2), 1);                    // a slice made after the whole was used
  tape.backward(add(sum(whole), sum(multiply(first, last))));  // + 4 q_0j q_2j
  // q = 5 6 / 7 8 / 9 10: 8 q_ij, and 4 q_2j in row 0, 4 q_0j in row 2.
  CHECK(gradient(q) == Numbers{8 * 5 + 4 * 9, 8 * 6 + 4 * 10, 8 * 7, 8 * 8, 8 * 9 + 4 * 5, 8 * 10 + 4 * 6});
}

TEST_CASE_FIXTURE(Model, "views hold the gradient of their whole no longer than the whole does") {
  constexpr std::int64_t kSize = 100'000, kStages = 20;
  constexpr std::size_t kBytes = 2 * kSize * sizeof(real);  // of a tensor and its gradient
  Tape tape(gradients);
  std::size_t most = 0;
  const Var x = tape.leaf(p);
  Var whole = tape.record("wide", Tensor::zeros({2, kSize}), {x}, [&most](const Tensor&, const Tensor&) {
    most = std::max(most, cpu_memory().pool().in_use());
  });
  for (int i = 0; i < kStages; ++i) {
    const Var first = step(whole, 0), second = step(slice(whole, 1, 1), 0);
    whole = tape.record("swap", whole.value(), {first, second},
                        [first, second, &most](const Tensor&, const Tensor& dy) {
                          most = std::max(most, cpu_memory().pool().in_use());
                          for (std::int64_t k = 0; k < kSize; ++k) {
                            first.gradient().data()[k] += dy.data()[kSize + k];
                            second.gradient().data()[k] += dy.data()[k];
                          }
                        });
  }
  const Var loss = sum(whole);
  const std::size_t before = cpu_memory().pool().in_use();
  tape.backward(loss);
  CHECK(most > before);
  CHECK(most <= before + 3 * kBytes);  // two stages, and rounding up to size classes
}

TEST_CASE_FIXTURE(Model, "constants get no gradient, nor does what hangs on them alone") {
  Tape tape(gradients);
  const Var c = tape.constant(Tensor::from({4}, {1, 2, 3, 4})), d = scale(c, 2);
  CHECK(!c.needs_gradient());
  CHECK(!d.needs_gradient());
  CHECK(!slice(c, 0, 2).needs_gradient());
  CHECK_THROWS_WITH_AS(c.gradient(), "[Tape] a value that needs no gradient was asked for one", Error);
  const Var y = multiply(tape.leaf(p), d);
  CHECK(y.needs_gradient());
  tape.backward(sum(y));
  CHECK(gradient(p) == Numbers{2, 4, 6, 8});
}

TEST_CASE_FIXTURE(Model, "a value that the loss does not hang on is passed over") {
  Tape tape(gradients);
  const Var x = tape.leaf(p);
  bool ran = false;
  const Var aside =
      tape.record("test", Tensor::zeros({4}), {x}, [&ran](const Tensor&, const Tensor&) { ran = true; });
  CHECK(aside.needs_gradient());
  const Var loss = sum(x);
  tape.record("test", Tensor::zeros({4}), {x},
              [&ran](const Tensor&, const Tensor&) { ran = true; });  // after the loss
  tape.backward(loss);
  CHECK(!ran);
  CHECK(gradient(p) == Numbers{1, 1, 1, 1});
}

TEST_CASE_FIXTURE(Model,
                  "on_backward runs after all that was recorded later, before what was recorded earlier") {
  Tape tape(gradients);
  std::string order;
  const auto noted = [&](Var x, char name) { return noting(tape, x, name, order); };
  const Var a = noted(tape.leaf(p), 'a');
  tape.on_backward({}, [&] { order += '1'; });
  const Var b = noted(a, 'b');
  tape.on_backward({}, [&] { order += '2'; });
  const Var c = noted(b, 'c');
  tape.backward(sum(c));
  CHECK(order == "c2b1a");
}

TEST_CASE_FIXTURE(Model, "a gradient is final once what used the parameter first has run") {
  Tape tape(gradients);
  std::string order;
  const auto noted = [&](Var x, char name) { return noting(tape, x, name, order); };
  tape.on_final([&](const Parameter& parameter) { order += parameter.name; });
  const Var x = tape.leaf(q), a = noted(tape.leaf(p), 'a');
  tape.on_backward({slice(x, 0, 2)}, [&] { order += '1'; });
  const Var b = noted(a, 'b'), c = noted(slice(x, 1, 2), 'c');
  tape.backward(add(sum(b), sum(c)));
  CHECK(order == "cb1qap");
}

TEST_CASE_FIXTURE(Model, "the gradient of a parameter that was not used is final, too") {
  Tape tape(gradients);
  std::string order;
  tape.on_final([&](const Parameter& parameter) { order += parameter.name; });
  const Var loss = sum(tape.leaf(q));
  tape.leaf(p);
  tape.backward(loss);
  CHECK(order == "qp");
}

TEST_CASE_FIXTURE(Model, "a tape that does not record: values, no gradients, no closures kept") {
  Tape tape;
  CHECK(!tape.recording());
  const Var x = tape.leaf(p);
  CHECK(!x.needs_gradient());
  CHECK(x.value().data() == p.value.data());
  const auto token = std::make_shared<int>(0);
  bool ran = false;
  const Var y = tape.record("test", Tensor::from({}, {1}), {x}, [token](const Tensor&, const Tensor&) {});
  tape.on_backward({}, [token, &ran] { ran = true; });
  CHECK(token.use_count() == 1);
  CHECK(!ran);
  CHECK_THROWS_WITH_AS(tape.backward(y),
                       "[backward] the loss depends on no parameter, or the tape does not record", Error);
}

TEST_CASE_FIXTURE(Model, "backward frees the closures") {
  Tape tape(gradients);
  const auto token = std::make_shared<int>(0);
  const Var x = tape.leaf(p);
  const Var y = tape.record("test", Tensor::zeros({}), {x}, [token](const Tensor&, const Tensor&) {});
  CHECK(token.use_count() == 2);
  tape.backward(y);
  CHECK(token.use_count() == 1);
}

TEST_CASE_FIXTURE(Model, "the loss must be one number that hangs on a parameter") {
  Tape tape(gradients);
  CHECK_THROWS_WITH_AS(tape.backward(tape.leaf(p)),
                       "[backward] the loss must be one number, its shape is (4)", Error);
  CHECK_THROWS_WITH_AS(tape.backward(tape.constant(Tensor::zeros({}))),
                       "[backward] the loss depends on no parameter, or the tape does not record", Error);
}

TEST_CASE_FIXTURE(Model, "a tape runs backward once") {
  Tape tape(gradients);
  const Var loss = sum(multiply(tape.leaf(p), tape.leaf(p)));
  tape.backward(loss);
  CHECK(gradient(p) == Numbers{2, 4, 6, 8});
  CHECK_THROWS_AS(tape.backward(loss), Error);
  CHECK(gradient(p) == Numbers{2, 4, 6, 8});
}

TEST_CASE_FIXTURE(Model, "operands of two tapes that record are refused by name, whichever comes first") {
  Tape one(gradients), other(gradients);
  const Var a = one.leaf(p), b = other.leaf(p), whole = other.leaf(q);
  const char* const kAdd = "[add] an operand is on another tape that records: its gradient would be lost";
  CHECK_THROWS_WITH_AS(add(a, b), kAdd, Error);
  CHECK_THROWS_WITH_AS(add(b, a), kAdd, Error);
  CHECK_THROWS_WITH_AS(add(other.constant(p.value), a), kAdd, Error);
  CHECK_THROWS_WITH_AS(multiply(a, b),
                       "[multiply] an operand is on another tape that records: its gradient would be lost",
                       Error);
  CHECK_THROWS_WITH_AS(stack({a, a, b}),
                       "[stack] an operand is on another tape that records: its gradient would be lost",
                       Error);
  CHECK_THROWS_WITH_AS(one.slice(whole, 0, 1), "[slice] the operand is on another tape", Error);
  CHECK_THROWS_WITH_AS(one.backward(sum(b)), "[backward] the loss is on another tape", Error);
}

TEST_CASE_FIXTURE(Model,
                  "a value of a tape that does not record is a constant; the other way it is refused") {
  Tape recording(gradients), values;
  const Var x = recording.leaf(p), c = scale(values.leaf(p), 2);
  recording.backward(sum(multiply(x, c)));
  CHECK(gradient(p) == Numbers{2, 4, 6, 8});
  CHECK_THROWS_WITH_AS(multiply(c, x),
                       "[multiply] an operand is on another tape that records: its gradient would be lost",
                       Error);
}

TEST_CASE_FIXTURE(Model, "a backward that throws lets the error through, and the tape can be freed") {
  Tape tape(gradients);
  const Var x = tape.leaf(p);
  const Var y =
      tape.record("test", Tensor::zeros({}), {x}, [](const Tensor&, const Tensor&) { throw Error("stop"); });
  CHECK_THROWS_WITH_AS(tape.backward(y), "stop", Error);
}

}  // namespace mininmt
