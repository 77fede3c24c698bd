#include "tests/ops/checks.h"

#include <doctest/doctest.h>

#include <limits>

namespace mininmt {
namespace {

// Calls work with a reference to each padded element of a block laid out like the operands.
template <class Work>
void each_padded(const OpRow& row, const Operands& operands, const Tensor& block, Work work) {
  for (const Padding& padding : row.padding)
    for (const std::int64_t i : padding.rows) {
      const Tensor x = operands.gradient(block, padding.input);
      const std::int64_t n = x.shape()[-1];
      for (std::int64_t k = 0; k < n; ++k) work(x.data()[i * n + k]);
    }
}

}  // namespace

std::string label(const OpRow& row) { return row.name + " " + row.shapes(); }

bool close(const Tensor& a, const Tensor& b) { return largest_difference(a, b) <= 2e-5 * (1 + largest(b)); }

void check_finite(const Ran& ran) {
  CHECK_MESSAGE(all_finite(ran.outcome.value), label(ran.row));
  CHECK_MESSAGE(all_finite(ran.outcome.gradients), label(ran.row));
}

void check_same_bits_again(Ran& ran) {
  const Outcome again = run(ran.row, ran.operands);
  CHECK_MESSAGE(same_bits(again.value, ran.outcome.value), label(ran.row));
  CHECK_MESSAGE(same_bits(again.gradients, ran.outcome.gradients), label(ran.row));
}

void check_backward_adds(Ran& ran) {
  const Tensor gradients = ran.operands.parameters().new_gradients();
  gradients.set(ran.outcome.gradients);
  run_into(ran.row, ran.operands, gradients);
  const Tensor twice = gradients.to(cpu_memory()).clone();
  for (real& g : twice.values()) g /= 2;
  CHECK_MESSAGE(close(twice, ran.outcome.gradients), label(ran.row));
}

void check_constants(Ran& ran) {
  const int inputs = static_cast<int>(ran.row.inputs.size());
  const auto gradient = [&](const Outcome& outcome, int input) {
    return ran.operands.gradient(outcome.gradients, input);
  };
  for (int constant = 0; constant < inputs; ++constant) {
    const Outcome outcome = run(ran.row, ran.operands, constant);
    CHECK_MESSAGE(same_bits(outcome.value, ran.outcome.value), label(ran.row));
    CHECK_MESSAGE(largest(gradient(outcome, constant)) == 0, label(ran.row));
    for (int input = 0; input < inputs; ++input)
      if (input != constant)
        CHECK_MESSAGE(same_bits(gradient(outcome, input), gradient(ran.outcome, input)),
                      label(ran.row) << ", input " << constant << " constant, gradient " << input);
  }
}

int check_padding(Ran& ran) {
  const OpRow& row = ran.row;
  if (row.padding.empty()) return 0;
  int elements = 0, with_gradient = 0;
  each_padded(row, ran.operands, ran.outcome.gradients, [&](real& dx) {
    ++elements;
    with_gradient += dx != 0;
  });
  CHECK_MESSAGE(with_gradient == 0, label(row));
  const Tensor& values = ran.operands.parameters().values();
  const real nan = std::numeric_limits<real>::quiet_NaN(), infinity = std::numeric_limits<real>::infinity();
  std::vector<real> fillings{real{1e30f}, nan};
  if (!values.on_cuda()) fillings.insert(fillings.end(), {real{-1e30f}, infinity});
  const Tensor original = values.to(cpu_memory()).clone();
  for (const real filling : fillings) {
    const Tensor filled = original.clone();
    each_padded(row, ran.operands, filled, [&](real& x) { x = filling; });
    values.set(filled);
    const Outcome after = run(row, ran.operands);
    CHECK_MESSAGE(same_bits(after.value, ran.outcome.value), label(row) << " padded with " << filling);
    CHECK_MESSAGE(largest_difference(after.gradients, ran.outcome.gradients) == 0,
                  label(row) << " padded with " << filling);
  }
  values.set(original);
  return elements;
}

}  // namespace mininmt
