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

void check_finite(const OpRow& row, Memory& memory) {
  Operands operands(row, 1, memory);
  const Outcome outcome = run(row, operands);
  CHECK_MESSAGE(all_finite(outcome.value), label(row));
  CHECK_MESSAGE(all_finite(outcome.gradients), label(row));
}

void check_same_bits_again(const OpRow& row, Memory& memory) {
  Operands operands(row, 1, memory);
  const Outcome first = run(row, operands), second = run(row, operands);
  CHECK_MESSAGE(same_bits(first.value, second.value), label(row));
  CHECK_MESSAGE(same_bits(first.gradients, second.gradients), label(row));
}

void check_backward_adds(const OpRow& row, Memory& memory) {
  Operands operands(row, 1, memory);
  const Outcome once = run(row, operands);
  const Tensor gradients = operands.parameters().new_gradients();
  run_into(row, operands, gradients);
  run_into(row, operands, gradients);
  const Tensor twice = gradients.to(cpu_memory());
  for (real& g : twice.values()) g /= 2;
  CHECK_MESSAGE(close(twice, once.gradients), label(row));
}

void check_constants(const OpRow& row, Memory& memory) {
  Operands operands(row, 1, memory);
  const Outcome all = run(row, operands);
  for (int constant = 0; constant < static_cast<int>(row.inputs.size()); ++constant) {
    const Outcome outcome = run(row, operands, constant);
    CHECK_MESSAGE(same_bits(outcome.value, all.value), label(row));
    for (int input = 0; input < static_cast<int>(row.inputs.size()); ++input) {
      const Tensor gradient = operands.gradient(outcome.gradients, input);
      if (input == constant)
        CHECK_MESSAGE(largest(gradient) == 0, label(row));
      else
        CHECK_MESSAGE(same_bits(gradient, operands.gradient(all.gradients, input)),
                      label(row) << ", input " << constant << " constant, gradient " << input);
    }
  }
}

int check_padding(const OpRow& row, Memory& memory) {
  if (row.padding.empty()) return 0;
  Operands operands(row, 1, memory);
  const Outcome before = run(row, operands);
  int elements = 0, with_gradient = 0;
  each_padded(row, operands, before.gradients, [&](real& dx) {
    ++elements;
    with_gradient += dx != 0;
  });
  CHECK_MESSAGE(with_gradient == 0, label(row));
  const Tensor& values = operands.parameters().values();
  const real nan = std::numeric_limits<real>::quiet_NaN(), infinity = std::numeric_limits<real>::infinity();
  std::vector<real> fillings{real{1e30f}, nan};
  if (!values.on_cuda()) fillings.insert(fillings.end(), {real{-1e30f}, infinity});
  for (const real filling : fillings) {
    const Tensor filled = values.to(cpu_memory());
    each_padded(row, operands, filled, [&](real& x) { x = filling; });
    if (values.on_cuda()) values.set(filled);
    const Outcome after = run(row, operands);
    CHECK_MESSAGE(same_bits(after.value, before.value), label(row) << " padded with " << filling);
    CHECK_MESSAGE(largest_difference(after.gradients, before.gradients) == 0,
                  label(row) << " padded with " << filling);
  }
  return elements;
}

}  // namespace mininmt
