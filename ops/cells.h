// Cells: each target word of a batch at each source position. For the systems that mix the predictions of all
// positions instead of their vectors (MODEL.md 9.3, 9.4).
#pragma once

#include <vector>

#include "cuda/cells.h"
#include "tensor/ids.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

namespace mininmt {

// N words of B sentences, against sources of S steps: values of cells are (N, S).
struct Cells {
  // Word n, at time t of sentence b, has rows[n] = t * B + b, a row of its own; kNone: padding, without
  // cells.
  Indices rows;
  Indices lengths;        // (B) of the sources
  int target_steps = 1;   // T
  bool late_end = false;  // </s> only at a source's last position: its logit is -infinity before

  std::int64_t words() const { return static_cast<std::int64_t>(rows.size()); }
  std::int64_t sentences() const { return static_cast<std::int64_t>(lengths.size()); }
  // The sentence of a word; kNone: padding.
  std::int64_t sentence_of(std::int64_t n) const {
    return rows[static_cast<std::size_t>(n)] < 0 ? kNone : rows[static_cast<std::size_t>(n)] % sentences();
  }
  // Whether </s> is barred at position j of sentence b.
  bool bars_eos(std::int64_t j, std::int64_t b) const {
    return late_end && j + 1 < lengths[static_cast<std::size_t>(b)];
  }
  // In search: row r is of sentence sentence_of_row[r], at any time of its own.
  static Cells of_search(const Indices& sentence_of_row, const Indices& lengths, bool late_end = false);

  // The lengths of the words' sources, 0 for padding.
  Indices lengths_of_words() const;

  // (T * B): the word n at time t of sentence b; kNone: none.
  std::vector<std::int32_t> word_at() const;

  // Throws Error, naming the operation, unless rows and lengths fit sources of S steps; of keys (S, B, ...).
  void check(const char* op, std::int64_t steps) const;
  void check(const char* op, const Shape& keys) const;
  // Throws Error unless each sentence has words, at all times from its first to its last. After check().
  void check_contiguous(const char* op) const;

  // As kernels take them.
  cuda::CellOperands in(Memory& memory, std::int64_t steps) const {
    return {words(), steps, sentences(), target_steps, rows.in(memory), lengths.in(memory), late_end};
  }
};

// A mixture of the predictions at the positions, in search. Without gradient.
struct Mixed {
  Tensor log_p;  // (N, V): log sum_j weights_nj p(. | n, j); undefined without weights
  Tensor log_z;  // (N, S): log of the sum by which the softmax of each cell divides; 0 at padding
};

// Throws Error, naming the operation, unless each word has a target of `words`, and padding has none.
void check_cell_targets(const char* op, const Cells& cells, const Indices& targets, std::int64_t words);

}  // namespace mininmt
