// Products of rows with the annotations of their sentences: a block per row, and a warp per position or a
// thread per column. No sum crosses a warp.
#include "cuda/sentences.h"

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

__global__ void __launch_bounds__(kBlock) dot_row(SentenceRows s, const real* query, real* e) {
  const Index r = blockIdx.x, b = s.sentence_of_row[r], lane = threadIdx.x % kWarp;
  for (Index j = threadIdx.x / kWarp; j < s.steps; j += kBlock / kWarp) {
    const real *const q = query + r * s.n, *const x = s.x + (j * s.batch + b) * s.n;
    real sum = 0;
    for (Index i = lane; i < s.n; i += kWarp) sum += q[i] * x[i];
    sum = warp_reduce(sum, Plus{});
    if (lane == 0) e[r * s.steps + j] = sum;
  }
}

// Grid (rows, .): a thread per column.
__global__ void __launch_bounds__(kBlock) sum_row(SentenceRows s, const real* weights, real* y) {
  const Index r = blockIdx.x, b = s.sentence_of_row[r], i = Index{blockIdx.y} * kBlock + threadIdx.x;
  if (i >= s.n) return;
  real sum = 0;
  for (Index j = 0; j < s.steps; ++j) sum += weights[r * s.steps + j] * s.x[(j * s.batch + b) * s.n + i];
  y[r * s.n + i] = sum;
}

}  // namespace

void dot_with_sentences(const SentenceRows& s, const real* query, real* e) {
  launch("dot_with_sentences", dot_row, dim3(as_blocks(s.rows)), kBlock, s, query, e);
}

void sum_of_sentences(const SentenceRows& s, const real* weights, real* y) {
  launch("sum_of_sentences", sum_row, dim3(as_blocks(s.rows), blocks_for(s.n, kBlock)), kBlock, s, weights,
         y);
}

}  // namespace mininmt::cuda
