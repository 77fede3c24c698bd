// Additive scores of cells (ops/additive_scores.h). Forward a block per word, a warp per position. Backward
// two kernels that each compute the tanh again: a block per word sums over positions, a block per position
// and sentence over words. No sum crosses a block.
#include "cuda/cells.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;

__global__ void __launch_bounds__(kBlock)
    mark_words(Index words, const std::int32_t* rows, std::int32_t* word_at) {
  const Index n = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (n < words && rows[n] >= 0) word_at[rows[n]] = static_cast<std::int32_t>(n);
}

__global__ void __launch_bounds__(kBlock) mark_none(Index count, std::int32_t* word_at) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (i < count) word_at[i] = -1;
}

__global__ void __launch_bounds__(kBlock)
    scores_of_word(CellOperands c, Index align, const real* query, const real* keys, const real* v, real* e) {
  const Index n = blockIdx.x, b = sentence_of(c, n), length = positions_of(c, n);
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  for (Index j = warp; j < c.steps; j += kWarps) {
    real sum = 0;
    const real* const key = keys + (j * c.batch + b) * align;
    for (Index a = lane; j < length && a < align; a += kWarp)
      sum += v[a] * mininmt::tanh(query[n * align + a] + key[a]);
    sum = warp_reduce(sum, Plus{});
    if (lane == 0) e[n * c.steps + j] = sum;
  }
}

// dquery may be null.
__global__ void __launch_bounds__(kBlock)
    query_gradient(CellOperands c, Index align, const real* query, const real* keys, const real* v,
                   const real* de, real* dquery, real* dv_rows) {
  const Index n = blockIdx.x, b = sentence_of(c, n), length = positions_of(c, n);
  for (Index a = threadIdx.x; a < align; a += kBlock) {
    real of_query = 0, of_v = 0;
    for (Index j = 0; j < length; ++j) {
      const real d = de[n * c.steps + j];
      const real u = mininmt::tanh(query[n * align + a] + keys[(j * c.batch + b) * align + a]);
      of_query += d * v[a] * tanh_slope(u);
      of_v += d * u;
    }
    if (dquery) dquery[n * align + a] += of_query;
    dv_rows[n * align + a] = of_v;
  }
}

// Grid (batch, steps).
__global__ void __launch_bounds__(kBlock)
    keys_gradient(CellOperands c, Index align, const std::int32_t* word_at, const real* query,
                  const real* keys, const real* v, const real* de, real* dkeys) {
  const Index b = blockIdx.x, j = blockIdx.y, row = (j * c.batch + b) * align;
  if (j >= c.lengths[b]) return;
  for (Index a = threadIdx.x; a < align; a += kBlock) {
    real sum = 0;
    for (Index t = 0; t < c.target_steps; ++t) {
      const Index n = word_at[t * c.batch + b];
      if (n < 0) continue;
      const real u = mininmt::tanh(query[n * align + a] + keys[row + a]);
      sum += de[n * c.steps + j] * v[a] * tanh_slope(u);
    }
    dkeys[row + a] += sum;
  }
}

}  // namespace

void set_word_at(const CellOperands& c, std::int32_t* word_at) {
  const Index count = c.target_steps * c.batch;
  launch("mark_none", mark_none, dim3(blocks_for(count, kBlock)), kBlock, count, word_at);
  launch("mark_words", mark_words, dim3(blocks_for(c.words, kBlock)), kBlock, c.words, c.rows, word_at);
}

void additive_scores(const CellOperands& c, Index align, const real* query, const real* keys, const real* v,
                     real* e) {
  launch("additive_scores", scores_of_word, dim3(as_blocks(c.words)), kBlock, c, align, query, keys, v, e);
}

void add_additive_scores_gradient(const CellOperands& c, Index align, const real* query, const real* keys,
                                  const real* v, const real* de, real* dquery, real* dkeys, real* dv_rows) {
  launch("add_additive_scores_gradient", query_gradient, dim3(as_blocks(c.words)), kBlock, c, align, query,
         keys, v, de, dquery, dv_rows);
  if (!dkeys) return;
  const WordAt word_at(c);
  launch("add_additive_scores_gradient, keys", keys_gradient, dim3(as_blocks(c.batch), as_blocks(c.steps)),
         kBlock, c, align, word_at.data(), query, keys, v, de, dkeys);
}

}  // namespace mininmt::cuda
