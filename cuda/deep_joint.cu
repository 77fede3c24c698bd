// The deep joint (ops/deep_joint.h): the readout of each cell, its gradient, and mixtures. Cells are computed
// for all steps of a word, so that launches don't depend on the lengths. Sums go over positions in a block
// per word, over words in a block per position and sentence.
#include <cmath>

#include "cuda/cells.cuh"
#include "cuda/log_sum.cuh"

namespace mininmt::cuda {
namespace {

// The larger of a pair, or its first if they are equal.
__device__ bool is_first(const real* query, const real* key) {
  return query[0] + key[0] >= query[1] + key[1];
}

// A block per cell.
__global__ void __launch_bounds__(kBlock)
    maxout_of_cell(CellChunk chunk, Index l, const real* query, const real* keys, const real* mask,
                   const std::int32_t* targets, real* t, std::int32_t* cell_targets) {
  const CellOperands& c = chunk.cells;
  const Index cell = blockIdx.x, n = chunk.first + cell / c.steps, j = cell % c.steps;
  const bool real_cell = j < positions_of(c, n);
  if (threadIdx.x == 0) cell_targets[cell] = real_cell ? targets[n] : -1;
  const Index b = real_cell ? sentence_of(c, n) : 0;
  const real *const q = query + n * 2 * l, *const k = keys + (j * c.batch + b) * 2 * l;
  for (Index i = threadIdx.x; i < l; i += kBlock) {
    const Index at = is_first(q + 2 * i, k + 2 * i) ? 2 * i : 2 * i + 1;
    t[cell * l + i] = real_cell ? (q[at] + k[at]) * (mask ? mask[n * l + i] : 1) : 0;
  }
}

// A block per word of the chunk.
__global__ void __launch_bounds__(kBlock)
    query_gradient(CellChunk chunk, Index l, const real* query, const real* keys, const real* mask,
                   const real* dt, real* dquery) {
  const CellOperands& c = chunk.cells;
  const Index n = chunk.first + blockIdx.x, b = sentence_of(c, n), length = positions_of(c, n);
  const real* const q = query + n * 2 * l;
  for (Index i = threadIdx.x; i < l; i += kBlock) {
    real first = 0, second = 0;
    for (Index j = 0; j < length; ++j) {
      const real d = dt[(blockIdx.x * c.steps + j) * l + i] * (mask ? mask[n * l + i] : 1);
      if (is_first(q + 2 * i, keys + (j * c.batch + b) * 2 * l + 2 * i))
        first += d;
      else
        second += d;
    }
    dquery[n * 2 * l + 2 * i] += first;
    dquery[n * 2 * l + 2 * i + 1] += second;
  }
}

// Grid (batch, steps): over the words of the chunk.
__global__ void __launch_bounds__(kBlock)
    keys_gradient(CellChunk chunk, Index l, const std::int32_t* word_at, const real* query, const real* keys,
                  const real* mask, const real* dt, real* dkeys) {
  const CellOperands& c = chunk.cells;
  const Index b = blockIdx.x, j = blockIdx.y, row = (j * c.batch + b) * 2 * l;
  if (j >= c.lengths[b]) return;
  for (Index i = threadIdx.x; i < l; i += kBlock) {
    real first = 0, second = 0;
    for (Index time = 0; time < c.target_steps; ++time) {
      const Index n = word_at[time * c.batch + b], in_chunk = n - chunk.first;
      if (n < 0 || in_chunk < 0 || in_chunk >= chunk.count) continue;
      const real d = dt[(in_chunk * c.steps + j) * l + i] * (mask ? mask[n * l + i] : 1);
      if (is_first(query + n * 2 * l + 2 * i, keys + row + 2 * i))
        first += d;
      else
        second += d;
    }
    dkeys[row + 2 * i] += first;
    dkeys[row + 2 * i + 1] += second;
  }
}

__global__ void __launch_bounds__(kBlock) bar_end_of_cells(CellChunk chunk, Index vocab, real* logits) {
  const CellOperands& c = chunk.cells;
  const Index cell = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (cell >= chunk.count * c.steps) return;
  const Index n = chunk.first + cell / c.steps, j = cell % c.steps;
  if (j < positions_of(c, n) && bars_eos(c, sentence_of(c, n), j)) logits[cell * vocab + kEos] = -INFINITY;
}

// Grid (words of the chunk, .).
__global__ void __launch_bounds__(kBlock)
    mix_words(CellChunk chunk, Index vocab, const real* logits, const real* bias, const real* weights,
              const real* log_z, real* y) {
  const CellOperands& c = chunk.cells;
  const Index n = chunk.first + blockIdx.x, length = positions_of(c, n);
  const Index k = Index{blockIdx.y} * kBlock + threadIdx.x;
  if (k >= vocab) return;
  real sum = 0;
  for (Index j = 0; j < length; ++j) {
    const real logit = logits[(blockIdx.x * c.steps + j) * vocab + k] + bias[k];
    sum += weights[n * c.steps + j] * mininmt::exp(logit - log_z[n * c.steps + j]);
  }
  y[n * vocab + k] = mininmt::log(sum);
}

// A block per cell of the chunk.
__global__ void __launch_bounds__(kRowThreads)
    log_z_of_cell(CellChunk chunk, Index vocab, const real* logits, const real* bias, real* log_z) {
  const CellOperands& c = chunk.cells;
  const Index cell = blockIdx.x, n = chunk.first + cell / c.steps;
  if (cell % c.steps >= positions_of(c, n)) return;
  LogSum sum;
  scan_row<1>(static_cast<int>(vocab), logits + cell * vocab, bias,
              [&](const real(&x)[kBatch], auto) { sum.add(x); });
  const real result = sum.of_block();
  if (threadIdx.x == 0) log_z[chunk.first * c.steps + cell] = result;
}

// A warp per cell, for a warp's part of the l terms in each thread.
__global__ void __launch_bounds__(kBlock)
    pick_logit(CellOperands c, Index l, const real* query, const real* keys, const real* mask, const real* W,
               const real* bias, const std::int32_t* targets, const real* log_z, real* w) {
  const Index cell = Index{blockIdx.x} * (kBlock / kWarp) + threadIdx.x / kWarp;
  if (cell >= c.words * c.steps) return;
  const Index n = cell / c.steps, j = cell % c.steps;
  if (j >= positions_of(c, n)) return;
  const Index b = sentence_of(c, n), y = targets[n];
  const real *const q = query + n * 2 * l, *const k = keys + (j * c.batch + b) * 2 * l;
  real sum = 0;
  for (Index i = threadIdx.x % kWarp; i < l; i += kWarp) {
    const Index at = is_first(q + 2 * i, k + 2 * i) ? 2 * i : 2 * i + 1;
    sum += (q[at] + k[at]) * (mask ? mask[n * l + i] : 1) * W[y * l + i];
  }
  sum = warp_reduce(sum, Plus{});
  if (threadIdx.x % kWarp == 0)
    w[cell] = bars_eos(c, b, j) && y == kEos ? -INFINITY : sum + bias[y] - log_z[cell];
}

}  // namespace

void maxout_of_cells(const CellChunk& c, Index l, const real* query, const real* keys, const real* mask,
                     const std::int32_t* targets, real* t, std::int32_t* cell_targets) {
  launch("maxout_of_cells", maxout_of_cell, dim3(as_blocks(c.count * c.cells.steps)), kBlock, c, l, query,
         keys, mask, targets, t, cell_targets);
}

void add_maxout_of_cells_gradient(const CellChunk& c, Index l, const real* query, const real* keys,
                                  const real* mask, const real* dt, real* dquery, real* dkeys) {
  if (dquery)
    launch("add_maxout_of_cells_gradient", query_gradient, dim3(as_blocks(c.count)), kBlock, c, l, query,
           keys, mask, dt, dquery);
  if (!dkeys) return;
  const WordAt word_at(c.cells);
  launch("add_maxout_of_cells_gradient, keys", keys_gradient,
         dim3(as_blocks(c.cells.batch), as_blocks(c.cells.steps)), kBlock, c, l, word_at.data(), query, keys,
         mask, dt, dkeys);
}

void bar_end(const CellChunk& c, Index vocab, real* logits) {
  launch("bar_end", bar_end_of_cells, dim3(blocks_for(c.count * c.cells.steps, kBlock)), kBlock, c, vocab,
         logits);
}

void mix_logits(const CellChunk& c, Index vocab, const real* logits, const real* bias, const real* weights,
                real* log_z, real* y) {
  launch("log_z_of_cells", log_z_of_cell, dim3(as_blocks(c.count * c.cells.steps)), row_threads(vocab), c,
         vocab, logits, bias, log_z);
  if (!weights) return;
  launch("mix_logits", mix_words, dim3(as_blocks(c.count), blocks_for(vocab, kBlock)), kBlock, c, vocab,
         logits, bias, weights, log_z, y);
}

void pick_logits(const CellOperands& c, Index l, const real* query, const real* keys, const real* mask,
                 const real* W, const real* bias, const std::int32_t* targets, const real* log_z, real* w) {
  launch("pick_logits", pick_logit, dim3(blocks_for(c.words * c.steps, kBlock / kWarp)), kBlock, c, l, query,
         keys, mask, W, bias, targets, log_z, w);
}

}  // namespace mininmt::cuda
