// The whole model in double: analytic against numeric gradients with every decoder order and attention.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "tests/models/random_model.h"
#include "tests/ops/report.h"

namespace mininmt {
namespace {

// Varying lengths on both sides; the first sentence is not the longest, and one is just </s>.
Batch ragged_batch() {
  return batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
}

void check(const std::string& name, Model& model, double label_smoothing, const Noise& noise) {
  const Batch batch = ragged_batch();
  const GradcheckResult result = check_gradients(model.parameters(), [&](Tape& tape) {
    return model.costs(tape, batch, {label_smoothing, noise});
  });
  report_row(name, "S 5, T 4, m 3, n 5, n' 7, l 3", result);
  CHECK(result.passed());
  CHECK(result.elements == model.parameters().count());
}

std::string name_of(const std::string& order, const std::string& alignment) {
  return "model, " + order + ", " + alignment;
}

TEST_CASE("the whole model passes the gradient check") {
  for (const auto& [order, alignment] : kVariants)
    check(name_of(order, alignment), *random_model(small_config(order, alignment)), 0, {});
}

TEST_CASE("with label smoothing and dropout too") {
  const Noise noise{.on = true, .seed = 3, .update = 5};
  for (const std::string& alignment : kAlignments)
    check(name_of("authors", alignment) + ", noise",
          *random_model(with_dropout(small_config("authors", alignment))),
          smoothing_of(small_config("authors", alignment), 0.1), noise);
}

// No parameter is disconnected: the sum of -log p over words has a gradient of order one in nearly all, of
// 0.004 in some of content addressing.
TEST_CASE("every parameter has a gradient") {
  for (const auto& [order, alignment] : kVariants) {
    const std::string variant = name_of(order, alignment);
    const auto model = random_model(small_config(order, alignment));
    const Tensor gradients = model->parameters().new_gradients();
    Tape tape(gradients);
    const Var losses = model->costs(tape, ragged_batch(), {});
    tape.backward(tape.record("sum", Tensor::zeros({}), {losses},
                              [&](const Tensor&, const Tensor& dy) { losses.gradient().fill(dy.item()); }));
    for (const Parameter* p : model->parameters().all())
      for (const Part& part : p->parts) {
        double square = 0;
        const Tensor gradient = Parameters::view(gradients, *p).slice(part.first, part.count);
        for (real g : gradient.values()) square += g * g;
        INFO(variant, ": ", part.name);
        CHECK(std::sqrt(square) > (alignment.starts_with("content") ? 1e-3 : 1e-2));
      }
  }
}

}  // namespace
}  // namespace mininmt
