// The op table's rows for the operations of the Transformer.
#pragma once

#include "tests/ops/attention_rows.h"

namespace mininmt {

// Queries, keys, sentences, heads and their size.
struct HeadsSize {
  std::int64_t T, S, batch, heads, size;
  bool large = false;
};
void add_transformer(Rows& rows, std::initializer_list<HeadsSize> sizes);

}  // namespace mininmt
