// What holds for every operation wherever it computes, as checks of a row of the op table. Each runs the row
// in `memory` and fails the test case with the name of the row.
#pragma once

#include "tests/ops/op_table.h"

namespace mininmt {

std::string label(const OpRow& row);

// To the rounding of sums of a few hundred terms.
bool close(const Tensor& a, const Tensor& b);

// No operation reads memory that nobody wrote: with memory that is poisoned, all results are finite.
void check_finite(const OpRow& row, Memory& memory);

// Run twice: the same bits.
void check_same_bits_again(const OpRow& row, Memory& memory);

// A second pass doubles the gradients. A backward that sets where it should add passes every check that
// starts from zero.
void check_backward_adds(const OpRow& row, Memory& memory);

// An input that is a constant gets no gradient and changes no other.
void check_constants(const OpRow& row, Memory& memory);

// What stands at padded positions changes nothing, and its gradient is exactly zero. Returns the number of
// padded elements.
int check_padding(const OpRow& row, Memory& memory);

}  // namespace mininmt
