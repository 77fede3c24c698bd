// What the kernels over cells share.
#pragma once

#include "cuda/cells.h"
#include "cuda/launch.cuh"

namespace mininmt::cuda {

// The sentence of a word, -1: padding.
__device__ inline Index sentence_of(const CellOperands& c, Index n) {
  return c.rows[n] < 0 ? -1 : c.rows[n] % c.batch;
}

// The positions of a word's sentence, 0 for padding.
__device__ inline Index positions_of(const CellOperands& c, Index n) {
  return c.rows[n] < 0 ? 0 : c.lengths[c.rows[n] % c.batch];
}

__device__ inline bool bars_eos(const CellOperands& c, Index b, Index j) {
  return c.late_end && j + 1 < c.lengths[b];
}

// The map of set_word_at(), until the end of the scope.
class WordAt {
 public:
  explicit WordAt(const CellOperands& c)
      : scratch_(static_cast<std::size_t>(c.target_steps * c.batch) * sizeof(std::int32_t)) {
    set_word_at(c, scratch_.as<std::int32_t>());
  }
  const std::int32_t* data() const { return scratch_.as<std::int32_t>(); }

 private:
  Scratch scratch_;
};

}  // namespace mininmt::cuda
