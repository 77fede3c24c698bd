// The op table's rows for operations over cells.
#pragma once

#include "tests/ops/attention_rows.h"

namespace mininmt {

struct CellSize {
  std::int64_t steps, batch;
  int target_steps;
  std::int64_t width, words;
  bool large = false;
};
void add_cells(Rows& rows, std::initializer_list<CellSize> sizes);

}  // namespace mininmt
