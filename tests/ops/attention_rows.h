// The op table's rows for attention, and what rows over ragged batches share.
#pragma once

#include "tensor/ids.h"
#include "tests/ops/op_table.h"

namespace mininmt {

using Rows = std::vector<OpRow>;

// Lengths from 1 to steps, at least one of them the maximum.
Lengths ragged(std::int64_t steps, std::int64_t batch);

// Rows of a (S, B, *) input past the end of their sentence.
std::vector<std::int64_t> padded_rows(std::int64_t steps, const Lengths& lengths);

struct AttentionSize {
  std::int64_t steps, batch, align, context;
  bool large = false;
};
void add_attention(Rows& rows, std::initializer_list<AttentionSize> sizes);

}  // namespace mininmt
