// The additive joint (ops/additive_joint.h), around two products: a block per word or position for rows
// over the vocabulary, a block per cell where a normaliser is computed directly. The last axis of a grid
// are sentences.
#include <cmath>

#include "cuda/cells.cuh"
#include "cuda/log_sum.cuh"

namespace mininmt::cuda {
namespace {

// f + g at word k, with </s> barred where it is.
struct Logits {
  const real *g, *f;
  bool bar_eos;
  __device__ real operator()(Index k) const { return bar_eos && k == kEos ? -INFINITY : g[k] + f[k]; }
};

// The block's log sum over the vocabulary.
__device__ real log_sum_of(Index vocab, const Logits& logits) {
  LogSum sum;
  for (Index k = threadIdx.x; k < vocab; k += kBlock) {
    const real next[1] = {logits(k)};
    sum.add(next);
  }
  return sum.of_block();
}

__device__ Logits logits_of(const AdditiveOperands& o, Index n, Index j) {
  return {o.g + n * o.vocab, o.f + (j * o.cells.batch + o.sentence) * o.vocab,
          bars_eos(o.cells, o.sentence, j)};
}

// The operands of the block's sentence alone.
__device__ AdditiveOperands of_block(AdditiveOperands o) {
  const Index i = blockIdx.z, T = o.cells.target_steps, S = o.cells.steps;
  o.sentence += i;
  o.exp_g += i * T * o.vocab;
  o.exp_f += i * S * o.vocab;
  o.max_g += i * T;
  o.max_f += i * S;
  if (o.products) o.products += i * T * S;
  return o;
}

// Word t of the sentence, -1: none.
__device__ Index word_of(const AdditiveOperands& o, Index t) {
  return o.word_at[t * o.cells.batch + o.sentence];
}

// y = e^(x - the largest, which is `most`), by the block. Barred: </s> is 0 and left out. x null: all are 0.
__device__ void exponentials_of(Index vocab, const real* x, bool bar, real* y, real* largest) {
  real most = -INFINITY;
  for (Index k = threadIdx.x; x && k < vocab; k += kBlock)
    if (!(bar && k == kEos)) most = Larger{}(most, x[k]);
  most = block_reduce(most, Larger{}, real{-INFINITY});
  for (Index k = threadIdx.x; k < vocab; k += kBlock)
    y[k] = x && !(bar && k == kEos) ? mininmt::exp(x[k] - most) : 0;
  if (threadIdx.x == 0) *largest = x ? most : 0;
}

// Grid (T, 1, count).
__global__ void __launch_bounds__(kBlock) exponentials_of_word(const AdditiveOperands all) {
  const AdditiveOperands o = of_block(all);
  const Index t = blockIdx.x, n = word_of(o, t);
  exponentials_of(o.vocab, n < 0 ? nullptr : o.g + n * o.vocab, false, o.exp_g + t * o.vocab, o.max_g + t);
}

// Grid (S, count).
__global__ void __launch_bounds__(kBlock) exponentials_of_position(CellOperands c, Index first, Index vocab,
                                                                   const real* f, real* exp_f, real* max_f) {
  const Index j = blockIdx.x, b = first + blockIdx.y, at = blockIdx.y * c.steps + j;
  const real* const row = j < c.lengths[b] ? f + (j * c.batch + b) * vocab : nullptr;
  exponentials_of(vocab, row, bars_eos(c, b, j), exp_f + at * vocab, max_f + at);
}

// Grid (T, S, count): a block per cell.
__global__ void __launch_bounds__(kBlock) log_z_of_cell(const AdditiveOperands all, real* log_z) {
  const AdditiveOperands o = of_block(all);
  const Index t = blockIdx.x, j = blockIdx.y, n = word_of(o, t);
  if (n < 0 || j >= o.cells.lengths[o.sentence]) return;
  const real product = o.products[t * o.cells.steps + j];
  const real log_sum = product < kLeastProduct ? log_sum_of(o.vocab, logits_of(o, n, j))
                                               : o.max_g[t] + o.max_f[j] + mininmt::log(product);
  if (threadIdx.x == 0) log_z[n * o.cells.steps + j] = log_sum;
}

// A thread per cell.
__global__ void __launch_bounds__(kBlock)
    pick_sum(CellOperands c, Index vocab, const std::int32_t* targets, Index width, const real* g,
             const real* f, const real* log_z, real* w) {
  const Index cell = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (cell >= c.words * c.steps) return;
  const Index n = cell / c.steps, j = cell % c.steps;
  if (j >= positions_of(c, n)) return;
  const Index b = sentence_of(c, n), y = targets[n];
  const real logit = g[n * width + (width > 1 ? y : 0)] + f[(j * c.batch + b) * vocab + y];
  w[cell] = bars_eos(c, b, j) && y == kEos ? -INFINITY : logit - log_z[cell];
}

// Grid (., 1, count).
__global__ void __launch_bounds__(kBlock)
    ratios_of_cells(const AdditiveOperands all, const real* x, real* ratios) {
  const AdditiveOperands o = of_block(all);
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x, cells = o.cells.target_steps * o.cells.steps;
  if (i >= cells) return;
  const Index n = word_of(o, i / o.cells.steps), j = i % o.cells.steps;
  const real product = o.products[i];
  const bool counts = n >= 0 && j < o.cells.lengths[o.sentence] && !(product < kLeastProduct);
  ratios[blockIdx.z * cells + i] = counts ? x[n * o.cells.steps + j] / product : 0;
}

// d_row -= exps * sums; then for the given cell of the row its target, and if P is too small its softmax.
__device__ void add_cell(const AdditiveOperands& o, Index t, Index n, Index j, const real* dw, real* d_row) {
  const real d = dw[n * o.cells.steps + j];
  if (d == 0) return;
  if (threadIdx.x == 0) d_row[o.targets[n]] += d;
  __syncthreads();  // below, another thread may add to the same word
  if (!(o.products[t * o.cells.steps + j] < kLeastProduct)) return;
  const Logits logits = logits_of(o, n, j);
  const real log_sum = log_sum_of(o.vocab, logits);
  for (Index k = threadIdx.x; k < o.vocab; k += kBlock) d_row[k] -= d * mininmt::exp(logits(k) - log_sum);
  __syncthreads();  // the next cell's target may be another thread's word
}

// A block per word.
__global__ void __launch_bounds__(kBlock)
    word_gradient(AdditiveOperands o, const real* dw, const real* sums, real* dg) {
  const Index t = blockIdx.x, n = word_of(o, t);
  if (n < 0) return;
  real* const d_row = dg + n * o.vocab;
  for (Index k = threadIdx.x; k < o.vocab; k += kBlock)
    d_row[k] -= o.exp_g[t * o.vocab + k] * sums[t * o.vocab + k];
  __syncthreads();  // thread 0 adds to any word
  for (Index j = 0; j < o.cells.lengths[o.sentence]; ++j) add_cell(o, t, n, j, dw, d_row);
}

// A block per position.
__global__ void __launch_bounds__(kBlock)
    position_gradient(AdditiveOperands o, const real* dw, const real* sums, real* df) {
  const Index j = blockIdx.x;
  if (j >= o.cells.lengths[o.sentence]) return;
  real* const d_row = df + (j * o.cells.batch + o.sentence) * o.vocab;
  for (Index k = threadIdx.x; k < o.vocab; k += kBlock)
    d_row[k] -= o.exp_f[j * o.vocab + k] * sums[j * o.vocab + k];
  __syncthreads();  // thread 0 adds to any word
  for (Index t = 0; t < o.cells.target_steps; ++t)
    if (const Index n = word_of(o, t); n >= 0) add_cell(o, t, n, j, dw, d_row);
}

// Grid (T, ., count).
__global__ void __launch_bounds__(kBlock)
    mix_word(const AdditiveOperands all, const real* weights, const real* log_z, const real* sums, real* y) {
  const AdditiveOperands o = of_block(all);
  const Index t = blockIdx.x, n = word_of(o, t), steps = o.cells.steps, length = o.cells.lengths[o.sentence];
  const Index k = Index{blockIdx.y} * kBlock + threadIdx.x;
  if (n < 0 || k >= o.vocab) return;
  bool by_cells = false;
  for (Index j = 0; j < length; ++j) by_cells = by_cells || o.products[t * steps + j] < kLeastProduct;
  real sum = 0;
  for (Index j = 0; by_cells && j < length; ++j)
    sum += weights[n * steps + j] * mininmt::exp(logits_of(o, n, j)(k) - log_z[n * steps + j]);
  const Index at = (blockIdx.z * o.cells.target_steps + t) * o.vocab + k;
  y[n * o.vocab + k] =
      by_cells ? mininmt::log(sum) : mininmt::log(sums[at]) + (o.g[n * o.vocab + k] - o.max_g[t]);
}

}  // namespace

void set_word_exponentials(const AdditiveOperands& o) {
  launch("set_word_exponentials", exponentials_of_word,
         dim3(as_blocks(o.cells.target_steps), 1, as_blocks(o.count)), kBlock, o);
}

void set_position_exponentials(const CellOperands& c, Index first, Index count, Index vocab, const real* f,
                               real* exp_f, real* max_f) {
  launch("set_position_exponentials", exponentials_of_position, dim3(as_blocks(c.steps), as_blocks(count)),
         kBlock, c, first, vocab, f, exp_f, max_f);
}

void set_log_z(const AdditiveOperands& o, real* log_z) {
  launch("set_log_z", log_z_of_cell,
         dim3(as_blocks(o.cells.target_steps), as_blocks(o.cells.steps), as_blocks(o.count)), kBlock, o,
         log_z);
}

void pick_sums(const CellOperands& c, Index vocab, const std::int32_t* targets, Index width, const real* g,
               const real* f, const real* log_z, real* w) {
  launch("pick_sums", pick_sum, dim3(blocks_for(c.words * c.steps, kBlock)), kBlock, c, vocab, targets, width,
         g, f, log_z, w);
}

void set_ratios(const AdditiveOperands& o, const real* x, real* ratios) {
  const unsigned blocks = blocks_for(o.cells.target_steps * o.cells.steps, kBlock);
  launch("set_ratios", ratios_of_cells, dim3(blocks, 1, as_blocks(o.count)), kBlock, o, x, ratios);
}

void add_additive_gradients(const AdditiveOperands& o, const real* dw, const real* sums_g, const real* sums_f,
                            real* dg, real* df) {
  if (dg)
    launch("add_additive_gradients, words", word_gradient, dim3(as_blocks(o.cells.target_steps)), kBlock, o,
           dw, sums_g, dg);
  if (df)
    launch("add_additive_gradients, positions", position_gradient, dim3(as_blocks(o.cells.steps)), kBlock, o,
           dw, sums_f, df);
}

void mix_sums(const AdditiveOperands& o, const real* weights, const real* log_z, const real* sums, real* y) {
  launch("mix_sums", mix_word,
         dim3(as_blocks(o.cells.target_steps), blocks_for(o.vocab, kBlock), as_blocks(o.count)), kBlock, o,
         weights, log_z, sums, y);
}

}  // namespace mininmt::cuda
