// The op table: a row per differentiable operation and variant, at small and odd sizes. General checks
// (gradients, identical bits, padding, uninitialized reads) run over these rows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/tape.h"

namespace mininmt {

// Rows of an input, taken as a matrix (all axes but the last are rows), that are padding: their contents must
// not matter.
struct Padding {
  int input;
  std::vector<std::int64_t> rows;
};

struct OpRow {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Var(Tape&, const std::vector<Var>&)> build;
  bool large = false;            // big enough to be split over threads; too big for the gradient check
  bool library_product = false;  // uses oneDNN: bits may depend on the number of threads
  std::vector<Padding> padding = {};

  std::string shapes() const;  // "(3, 7) (7)"
};

const std::vector<OpRow>& op_table();

// The list of tensor/elementwise.h in its order: each operation and its expected values, from the standard
// library.
struct ElementwiseRow {
  std::string name;
  Var (*op)(Var);
  long double (*value)(long double x);
  long double (*slope)(long double x);
};
const std::vector<ElementwiseRow>& elementwise_rows();

// Rows at larger sizes, up to those of real models, for which GPU kernels divide their work differently. Only
// for the GPU tests; without gradient check.
const std::vector<OpRow>& wide_op_table();

// Inputs of a row: parameters, uniform in (-0.75, 0.75), a function of `seed`, the same in float and double.
// Larger values would saturate the gates, and a larger loss costs the numeric derivative precision.
class Operands {
 public:
  explicit Operands(const OpRow& row, std::uint64_t seed = 1, Memory& memory = cpu_memory());

  Parameters& parameters() { return parameters_; }
  const Tensor& value(int input) const { return inputs_[input]->value; }
  Tensor gradient(const Tensor& block, int input) const { return Parameters::view(block, *inputs_[input]); }
  std::vector<Var> leaves(Tape& tape) const;

 private:
  Parameters parameters_;
  std::vector<Parameter*> inputs_;
};

struct Outcome {  // on the host
  Tensor value;
  Tensor gradients;  // block of the operands' parameters
};

// dL/dx of L = sum_i w_i y_i with random w, added to `gradients`; returns a copy of y on the host.
Tensor run_into(const OpRow& row, const Operands& operands, const Tensor& gradients, int constant_input = -1);

// One forward and backward pass, from zero gradients. constant_input: index of an input that is a constant,
// without gradient.
Outcome run(const OpRow& row, Operands& operands, int constant_input = -1);

bool same_bits(const Tensor& a, const Tensor& b);
bool all_finite(const Tensor& x);
double largest_difference(const Tensor& a, const Tensor& b);  // NaN if either contains NaN
double largest(const Tensor& x);                              // largest absolute value

}  // namespace mininmt
