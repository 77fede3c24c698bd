// The whole model in double: analytic against numeric gradients with every decoder order and both alignments.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "tests/ops/report.h"
#include "tests/unit/model_random.h"

namespace mininmt {
namespace {

// Ragged on both sides; the first sentence is not the longest, and one is nothing but </s>.
Batch ragged_batch() {
  return batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
}

void check(const std::string& name, RnnSearch& model, double label_smoothing, const Noise& noise) {
  const Batch batch = ragged_batch();
  const GradcheckResult result = check_gradients(
      model.parameters(), [&](Tape& tape) { return model.word_losses(tape, batch, label_smoothing, noise); });
  report_row(name, "S 5, T 4, m 3, n 5, n' 7, l 3", result);
  CHECK(result.passed());
  CHECK(result.elements == model.parameters().count());
}

std::string name_of(DecoderOrder order, AlignmentKind alignment) {
  return "model, " + to_string(order) + ", " + to_string(alignment);
}

TEST_CASE("the whole model passes the gradient check") {
  for (DecoderOrder order : kOrders)
    for (AlignmentKind alignment : kAlignments)
      check(name_of(order, alignment), *random_model(small_options(order, alignment)), 0, {});
}

TEST_CASE("with label smoothing and dropout too") {
  Noise noise{0.2, 0.3, 0.4};
  noise.seed = 3;
  noise.update = 5;
  for (AlignmentKind alignment : kAlignments)
    check(name_of(DecoderOrder::kAuthors, alignment) + ", noise",
          *random_model(small_options(DecoderOrder::kAuthors, alignment)), 0.1, noise);
}

// A sum over the words of -log p has a gradient of order one in every parameter: nothing is cut off from the
// loss.
TEST_CASE("every parameter has a gradient") {
  for (DecoderOrder order : kOrders)
    for (AlignmentKind alignment : kAlignments) {
      const auto model = random_model(small_options(order, alignment));
      const Tensor gradients = model->parameters().new_gradients();
      Tape tape(gradients);
      const Var losses = model->word_losses(tape, ragged_batch());
      tape.backward(tape.record("sum", Tensor::zeros({}), {losses},
                                [&](const Tensor&, const Tensor& dy) { losses.gradient().fill(dy.item()); }));
      for (const Parameter* p : model->parameters().all())
        for (const Part& part : p->parts) {
          double square = 0;
          const Tensor gradient = Parameters::view(gradients, *p).slice(part.first, part.count);
          for (real g : gradient.values()) square += g * g;
          INFO(name_of(order, alignment), ": ", part.name);
          CHECK(std::sqrt(square) > 1e-2);
        }
    }
}

}  // namespace
}  // namespace mininmt
