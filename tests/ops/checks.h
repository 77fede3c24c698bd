// Checks of a row of the op table, for any device. Each fails the test case with the row's name.
#pragma once

#include "tests/ops/op_table.h"

namespace mininmt {

std::string label(const OpRow& row);

// Up to the rounding of sums of a few hundred terms.
bool close(const Tensor& a, const Tensor& b);

// A row that has run once in `memory`: the checks run it again and compare.
struct Ran {
  explicit Ran(const OpRow& op_row, Memory& memory = cpu_memory())
      : row(op_row), operands(op_row, 1, memory), outcome(run(op_row, operands)) {}
  const OpRow& row;
  Operands operands;
  const Outcome outcome;
};

// No operation reads uninitialized memory: with poisoned memory, all results are finite.
void check_finite(const Ran& ran);

// Running twice gives the same bits.
void check_same_bits_again(Ran& ran);

// A second pass doubles the gradients. A backward that sets instead of adding would pass every check that
// starts from zero.
void check_backward_adds(Ran& ran);

// A constant input gets no gradient and doesn't change others.
void check_constants(Ran& ran);

// The contents of padded positions change nothing, and their gradient is exactly zero. Returns the number of
// padded elements.
int check_padding(Ran& ran);

}  // namespace mininmt
