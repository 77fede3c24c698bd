// The gradient check on the GPU, in double: every row of the op table and the whole model.
#include <doctest/doctest.h>

#include <cstdio>

#include "cuda/device.h"
#include "tests/cuda/emulated.h"
#include "tests/models/random_model.h"
#include "tests/ops/op_table.h"
#include "tests/ops/report.h"

namespace mininmt {
namespace {

// On a real GPU all elements: two evaluations per element, each tens of microseconds for an operation and a
// millisecond for the model.
constexpr std::int64_t kElementsOfInput = kEmulated ? 10 : 1 << 30;
constexpr std::int64_t kElementsOfParameter = kEmulated ? 4 : 1 << 30;

TEST_CASE("every operation's gradient on the GPU is its numeric derivative") {
  std::printf("gradient check on %s; at most %lld elements of an input, %lld of a model's parameter\n",
              cuda::description().c_str(), static_cast<long long>(kElementsOfInput),
              static_cast<long long>(kElementsOfParameter));
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    Operands operands(row, 1, cuda::memory());
    const GradcheckResult result = check_gradients(
        operands.parameters(), [&](Tape& tape) { return row.build(tape, operands.leaves(tape)); }, 1,
        kElementsOfInput);
    report_row(row.name, row.shapes(), result);
    CHECK_MESSAGE(result.passed(), row.name << " " << row.shapes() << ": " << result.worst);
  }
}

void check_model(const std::string& order, const std::string& alignment, double label_smoothing,
                 const Noise& noise, const std::string& suffix) {
  // Varying lengths on both sides; the first sentence is not the longest, and one is just </s>.
  const Batch batch = batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
  const auto model = random_model(with_dropout(small_config(order, alignment)));
  model->parameters().move_to(cuda::memory());
  const GradcheckResult result = check_gradients(
      model->parameters(),
      [&](Tape& tape) {
        return model->costs(tape, batch, {label_smoothing, noise});
      },
      1, kElementsOfParameter);
  report_row("model, " + order + ", " + alignment + suffix, "S 5, T 4, m 3, n 5, n' 7, l 3", result);
  CHECK_MESSAGE(result.passed(), result.worst);
}

TEST_CASE("the whole model passes the gradient check on the GPU") {
  for (const auto& [order, alignment] : kVariants) {
    // The emulation has "authors" below, and the same kernels for the other kinds of attention.
    if (kEmulated && (order == "authors" || alignment != "additive")) continue;
    check_model(order, alignment, 0, {}, "");
  }
}

TEST_CASE("with label smoothing and dropout too, on the GPU") {
  const Noise noise{.on = true, .seed = 3, .update = 5};
  for (const std::string& alignment : kAlignments)
    check_model("authors", alignment, smoothing_of(small_config("authors", alignment), 0.1), noise,
                ", noise");
}

}  // namespace
}  // namespace mininmt
