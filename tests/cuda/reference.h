// Results of the op table in double from the CPU, which those in float are judged by. The double executable
// writes them, from the same inputs to the bit; the float one of the same folder starts it and reads.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "tests/ops/op_table.h"

namespace mininmt {

inline std::vector<OpRow> all_rows() {
  std::vector<OpRow> rows = op_table();
  rows.insert(rows.end(), wide_op_table().begin(), wide_op_table().end());
  return rows;
}

// What a row is run with: one draw of its operands, or several where one is too few to judge by.
struct OperandDraws {
  int row = -1;              // of all_rows(); -1: each of them
  int first = 1, count = 1;  // seeds of the operands
};

// For each row and draw: the value, then the gradient of each input, each as a number of elements and the
// elements in double.
void write_reference(const OperandDraws& draws, std::FILE* out);

class Reference {
 public:
  // Starts the executable that is named as this one, with -double for -float. Throws Error.
  explicit Reference(const OperandDraws& draws);
  ~Reference();
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  // The next array. Throws Error if it doesn't have `count` elements.
  std::vector<double> next(std::int64_t count);

 private:
  std::string command_;
  std::FILE* pipe_;
};

}  // namespace mininmt
