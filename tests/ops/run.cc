#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/random.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

// Number i is uniform in (-width / 2, width / 2), and exactly a float in both builds.
void draw(Random random, double width, const Tensor& x) {
  for (std::int64_t i = 0; i < x.size(); i += 4) {
    const auto words = random.block(static_cast<std::uint64_t>(i / 4));
    for (std::int64_t k = i; k < std::min(i + 4, x.size()); ++k)
      x.data()[k] = static_cast<float>(width * ((words[k - i] + 0.5) * 0x1p-32 - 0.5));
  }
}

// L = sum_i w_i y_i with w uniform in (-1.5, 1.5), computed on the CPU.
Var random_loss(Tape& tape, Var y) {
  const Tensor weights(y.shape()), value = y.value().to(cpu_memory());
  draw({77, 1}, 3, weights);
  double loss = 0;
  for (std::int64_t i = 0; i < weights.size(); ++i) loss += weights.data()[i] * value.data()[i];
  return tape.record("random_loss", Tensor::from({}, {static_cast<real>(loss)}), {y},
                     [y, weights](const Tensor&, const Tensor& dl) {
                       const Tensor dy = y.gradient().to(cpu_memory());
                       for (std::int64_t i = 0; i < weights.size(); ++i)
                         dy.data()[i] += dl.item() * weights.data()[i];
                       y.gradient().set(dy);
                     });
}

}  // namespace

std::string OpRow::shapes() const {
  std::string text;
  for (const Shape& shape : inputs) text += (text.empty() ? "" : " ") + shape.to_string();
  return text;
}

Operands::Operands(const OpRow& row, std::uint64_t seed, Memory& memory) {
  for (std::size_t i = 0; i < row.inputs.size(); ++i)
    inputs_.push_back(&parameters_.add("input" + std::to_string(i), row.inputs[i], Initial::zeros(),
                                       {"input" + std::to_string(i)}));
  parameters_.allocate();
  draw({seed, 0}, 1.5, parameters_.values());
  parameters_.move_to(memory);
}

std::vector<Var> Operands::leaves(Tape& tape) const {
  std::vector<Var> leaves;
  for (const Parameter* input : inputs_) leaves.push_back(tape.leaf(*input));
  return leaves;
}

Tensor run_into(const OpRow& row, const Operands& operands, const Tensor& gradients, int constant_input) {
  Tape tape(gradients);
  std::vector<Var> inputs = operands.leaves(tape);
  if (constant_input >= 0) inputs[constant_input] = tape.constant(operands.value(constant_input));
  const Var y = row.build(tape, inputs);
  const Tensor value = y.value().on_cuda() ? y.value().to(cpu_memory()) : y.value().clone();
  if (y.needs_gradient()) tape.backward(random_loss(tape, y));
  return value;
}

Outcome run(const OpRow& row, Operands& operands, int constant_input) {
  const Tensor gradients = operands.parameters().new_gradients();
  const Tensor value = run_into(row, operands, gradients, constant_input);
  return {value, gradients.to(cpu_memory())};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

bool all_finite(const Tensor& x) {
  return std::all_of(x.values().begin(), x.values().end(), [](real v) { return std::isfinite(v); });
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double most = a.shape() == b.shape() ? 0 : NAN;
  for (std::int64_t i = 0; i < a.size() && !std::isnan(most); ++i) {
    const double difference = std::abs(static_cast<double>(a.data()[i]) - b.data()[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

double largest(const Tensor& x) {
  double most = 0;
  for (real v : x.values()) most = std::max(most, std::abs(static_cast<double>(v)));
  return most;
}

}  // namespace mininmt
