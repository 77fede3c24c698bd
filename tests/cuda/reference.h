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

// For each of all_rows(): the value, then the gradient of each input, each as a number of elements and the
// elements in double.
void write_reference(std::FILE* out);

class Reference {
 public:
  // Starts the executable that is named as this one, with -double for -float. Throws Error.
  Reference();
  ~Reference();
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  // The next array, which has so many elements. Throws Error where it does not.
  std::vector<double> next(std::int64_t count);

 private:
  std::string command_;
  std::FILE* pipe_;
};

}  // namespace mininmt
