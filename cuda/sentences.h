// Products of rows with the annotations of their sentences, in search (sentences.cu; ops/matmul.h):
// launchers in the manner of cuda/kernels.h.
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt::cuda {

// Row r is of sentence sentence_of_row[r] of x (steps, batch, n).
struct SentenceRows {
  std::int64_t rows, steps, batch, n;
  const std::int32_t* sentence_of_row;
  const real* x;
};

// e (rows, steps): e_rj = query_r . x_jb
void dot_with_sentences(const SentenceRows& s, const real* query, real* e);

// y (rows, n): y_r = sum_j weights_rj x_jb
void sum_of_sentences(const SentenceRows& s, const real* weights, real* y);

}  // namespace mininmt::cuda
