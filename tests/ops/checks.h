// Checks of a row of the op table, for any device. Each runs the row in `memory` and fails the test case with
// the row's name.
#pragma once

#include "tests/ops/op_table.h"

namespace mininmt {

std::string label(const OpRow& row);

// Up to the rounding of sums of a few hundred terms.
bool close(const Tensor& a, const Tensor& b);

// No operation reads uninitialized memory: with poisoned memory, all results are finite.
void check_finite(const OpRow& row, Memory& memory);

// Running twice gives the same bits.
void check_same_bits_again(const OpRow& row, Memory& memory);

// A second pass doubles the gradients. A backward that sets instead of adding would pass every check that
// starts from zero.
void check_backward_adds(const OpRow& row, Memory& memory);

// A constant input gets no gradient and doesn't change others.
void check_constants(const OpRow& row, Memory& memory);

// The contents of padded positions change nothing, and their gradient is exactly zero. Returns the number of
// padded elements.
int check_padding(const OpRow& row, Memory& memory);

}  // namespace mininmt
