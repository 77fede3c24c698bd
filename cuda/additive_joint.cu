// The additive joint (ops/additive_joint.h), one sentence at a time around two products: a block per word or position
// for rows over the vocabulary, a block per cell where a normaliser is computed directly.
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

// Word t of the sentence, -1: none.
__device__ Index word_of(const AdditiveOperands& o, Index t) {
  return o.word_at[t * o.cells.batch + o.sentence];
}

// A block per word, then one per position.
__global__ void __launch_bounds__(kBlock) exponentials_of_row(AdditiveOperands o) {
  const Index T = o.cells.target_steps, j = Index{blockIdx.x} - T;
  const bool is_word = j < 0;
  const Index n = is_word ? word_of(o, blockIdx.x) : -1;
  const bool inside = is_word ? n >= 0 : j < o.cells.lengths[o.sentence];
  const bool bar = !is_word && inside && bars_eos(o.cells, o.sentence, j);
  const real* const x = !inside   ? nullptr
                        : is_word ? o.g + n * o.vocab
                                  : o.f + (j * o.cells.batch + o.sentence) * o.vocab;
  real* const y = is_word ? o.exp_g + blockIdx.x * o.vocab : o.exp_f + j * o.vocab;
  real most = -INFINITY;
  for (Index k = threadIdx.x; inside && k < o.vocab; k += kBlock)
    if (!(bar && k == kEos)) most = Larger{}(most, x[k]);
  most = block_reduce(most, Larger{}, real{-INFINITY});
  for (Index k = threadIdx.x; k < o.vocab; k += kBlock)
    y[k] = inside && !(bar && k == kEos) ? mininmt::exp(x[k] - most) : 0;
  if (threadIdx.x == 0) (is_word ? o.max_g[blockIdx.x] : o.max_f[j]) = inside ? most : 0;
}

// Grid (T, S): a block per cell.
__global__ void __launch_bounds__(kBlock) log_p_of_cell(AdditiveOperands o, real* w) {
  const Index t = blockIdx.x, j = blockIdx.y, n = word_of(o, t);
  if (n < 0 || j >= o.cells.lengths[o.sentence]) return;
  const Logits logits = logits_of(o, n, j);
  const real product = o.products[t * o.cells.steps + j];
  const real log_sum =
      product < kLeastProduct ? log_sum_of(o.vocab, logits) : o.max_g[t] + o.max_f[j] + mininmt::log(product);
  if (threadIdx.x == 0) w[n * o.cells.steps + j] = logits(o.targets[n]) - log_sum;
}

__global__ void __launch_bounds__(kBlock) ratios_of_cells(AdditiveOperands o, const real* dw, real* ratios) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (i >= o.cells.target_steps * o.cells.steps) return;
  const Index n = word_of(o, i / o.cells.steps), j = i % o.cells.steps;
  const real product = o.products[i];
  const bool counts = n >= 0 && j < o.cells.lengths[o.sentence] && !(product < kLeastProduct);
  ratios[i] = counts ? dw[n * o.cells.steps + j] / product : 0;
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

// A block per cell: log_sums (words, steps).
__global__ void __launch_bounds__(kBlock)
    log_sum_of_cell(CellOperands c, Index vocab, const real* g, const real* f, real* log_sums) {
  const Index n = blockIdx.x / c.steps, j = blockIdx.x % c.steps;
  if (j >= positions_of(c, n)) return;
  const Index b = sentence_of(c, n);
  const real log_sum = log_sum_of(vocab, {g + n * vocab, f + (j * c.batch + b) * vocab, bars_eos(c, b, j)});
  if (threadIdx.x == 0) log_sums[blockIdx.x] = log_sum;
}

// Grid (words, .).
__global__ void __launch_bounds__(kBlock) mix_word(CellOperands c, Index vocab, const real* g, const real* f,
                                                   const real* weights, const real* log_sums, real* y) {
  const Index n = blockIdx.x, length = positions_of(c, n), b = sentence_of(c, n);
  const Index k = Index{blockIdx.y} * kBlock + threadIdx.x;
  if (k >= vocab) return;
  real sum = 0;
  for (Index j = 0; j < length; ++j) {
    const Logits logits{g + n * vocab, f + (j * c.batch + b) * vocab, bars_eos(c, b, j)};
    sum += weights[n * c.steps + j] * mininmt::exp(logits(k) - log_sums[n * c.steps + j]);
  }
  y[n * vocab + k] = mininmt::log(sum);
}

}  // namespace

void set_exponentials(const AdditiveOperands& o) {
  launch("set_exponentials", exponentials_of_row, dim3(as_blocks(o.cells.target_steps + o.cells.steps)),
         kBlock, o);
}

void additive_log_p(const AdditiveOperands& o, real* w) {
  launch("additive_log_p", log_p_of_cell, dim3(as_blocks(o.cells.target_steps), as_blocks(o.cells.steps)),
         kBlock, o, w);
}

void set_ratios(const AdditiveOperands& o, const real* dw, real* ratios) {
  launch("set_ratios", ratios_of_cells, dim3(blocks_for(o.cells.target_steps * o.cells.steps, kBlock)),
         kBlock, o, dw, ratios);
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

void mix_sums(const CellOperands& c, Index vocab, const real* g, const real* f, const real* weights,
              real* y) {
  const Index cells = c.words * c.steps;
  const Scratch log_sums(static_cast<std::size_t>(cells) * sizeof(real));
  launch("log_sum_of_cells", log_sum_of_cell, dim3(as_blocks(cells)), kBlock, c, vocab, g, f,
         log_sums.as<real>());
  launch("mix_sums", mix_word, dim3(as_blocks(c.words), blocks_for(vocab, kBlock)), kBlock, c, vocab, g, f,
         weights, log_sums.as<real>(), y);
}

}  // namespace mininmt::cuda
