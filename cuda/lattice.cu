// The losses over cells: a mixture of positions, a block per word (ops/mixture.h); the lattice, a block per
// sentence (ops/lattice.h), its threads over the cells of an anti-diagonal, which depend only on the one
// before.
#include "cuda/lattice.h"

#include <cmath>

#include "cuda/cells.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

// Of a softmax over numbers x: their largest and the sum of e^(x - largest). Shares are not taken from the
// log sum, whose rounding is that of the largest.
struct Normalizer {
  real largest, sum;
  __device__ real log_sum() const { return largest + mininmt::log(sum); }
  __device__ real share(real x) const { return mininmt::exp(x - largest) / sum; }
};

// Computed by the block, of x(j), j < length.
template <class X>
__device__ Normalizer normalizer_of(Index length, const X& x) {
  real most = -INFINITY, sum = 0;
  for (Index j = threadIdx.x; j < length; j += kBlock) most = Larger{}(most, x(j));
  most = block_reduce(most, Larger{}, real{-INFINITY});
  for (Index j = threadIdx.x; j < length; j += kBlock) sum += mininmt::exp(x(j) - most);
  return {most, block_reduce(sum, Plus{}, real{0})};
}

__global__ void __launch_bounds__(kBlock)
    loss_of_mixture(CellOperands c, const real* w, const real* scores, real* loss) {
  const Index n = blockIdx.x, length = positions_of(c, n), row = n * c.steps;
  if (length == 0) {
    if (threadIdx.x == 0) loss[n] = 0;
    return;
  }
  const Normalizer all = normalizer_of(length, [&](Index j) { return scores[row + j]; });
  const Normalizer both = normalizer_of(length, [&](Index j) { return scores[row + j] + w[row + j]; });
  if (threadIdx.x == 0) loss[n] = all.log_sum() - both.log_sum();
}

__global__ void __launch_bounds__(kBlock)
    gradient_of_mixture(CellOperands c, const real* w, const real* scores, const real* dloss, real* dw,
                        real* dscores) {
  const Index n = blockIdx.x, length = positions_of(c, n), row = n * c.steps;
  if (length == 0) return;
  const Normalizer all = normalizer_of(length, [&](Index j) { return scores[row + j]; });
  const Normalizer both = normalizer_of(length, [&](Index j) { return scores[row + j] + w[row + j]; });
  for (Index j = threadIdx.x; j < length; j += kBlock) {
    const real alpha = all.share(scores[row + j]), g = both.share(scores[row + j] + w[row + j]);
    dw[row + j] = -dloss[n] * g;
    dscores[row + j] = dloss[n] * (alpha - g);
  }
}

// A block's lattice, its values in the block's part of `values`, 3 * target_steps * steps numbers.
__device__ Lattice lattice_of(const CellOperands& c, const std::int32_t* word_at, const real* w,
                              const real* scores, const real* bias, double* values) {
  const Index b = blockIdx.x, size = c.target_steps * c.steps;
  double* const own = values + b * 3 * size;
  Lattice lattice{c.lengths[b], 0,       c.batch, c.steps,    word_at + b,   w,
                  scores,       bias[0], own,     own + size, own + 2 * size};
  while (lattice.T < c.target_steps && word_at[lattice.T * c.batch + b] >= 0) ++lattice.T;
  return lattice;
}

// Calls visit(u, j) for the cells of each anti-diagonal u + j = d, d ascending, with a barrier after each.
template <class Visit>
__device__ void sweep(const Lattice& lattice, bool backward, const Visit& visit) {
  const Index diagonals = lattice.T + lattice.S - 1;
  for (Index i = 0; i < diagonals; ++i) {
    const Index d = backward ? diagonals - 1 - i : i;
    for (Index j = threadIdx.x; j < lattice.S && j <= d; j += kBlock)
      if (d - j < lattice.T) visit(d - j, j);
    __syncthreads();  // the next diagonal reads this one
  }
}

__global__ void __launch_bounds__(kBlock)
    loss_of_lattice(CellOperands c, const std::int32_t* word_at, const real* w, const real* scores,
                    const real* bias, double* values, real* loss) {
  const Lattice lattice = lattice_of(c, word_at, w, scores, bias, values);
  sweep(lattice, false, [&](Index u, Index j) { lattice.go_forward(u, j); });
  if (threadIdx.x == 0) loss[blockIdx.x] = static_cast<real>(-lattice.log_p());
}

__global__ void __launch_bounds__(kBlock)
    gradient_of_lattice(CellOperands c, const std::int32_t* word_at, const real* w, const real* scores,
                        const real* bias, double* values, const real* dloss, real* dw, real* dz) {
  const Lattice lattice = lattice_of(c, word_at, w, scores, bias, values);
  sweep(lattice, false, [&](Index u, Index j) { lattice.go_forward(u, j); });
  sweep(lattice, true, [&](Index u, Index j) { lattice.go_backward(u, j); });
  const double factor = dloss[blockIdx.x], log_p = lattice.log_p();
  sweep(lattice, false, [&](Index u, Index j) {
    dw[lattice.cell(u, j)] = static_cast<real>(-factor * lattice.written(u, j, log_p));
    dz[lattice.cell(u, j)] = static_cast<real>(factor * lattice.dz(u, j, log_p));
  });
}

// A thread per row.
__global__ void __launch_bounds__(kBlock)
    step_rows(CellOperands c, const real* before, const real* scores, const real* bias, real* log_pi) {
  const Index r = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (r >= c.words) return;
  const Index row = r * c.steps, length = positions_of(c, r);
  const double total =
      step_row(length, before ? before + row : nullptr, scores + row, bias[0],
               [&](Index j, double reached) { log_pi[row + j] = static_cast<real>(reached); });
  for (Index j = 0; j < c.steps; ++j)
    log_pi[row + j] = j < length ? static_cast<real>(log_pi[row + j] - total) : -INFINITY;
}

Scratch values_for(const CellOperands& c) {
  return Scratch(static_cast<std::size_t>(3 * c.target_steps * c.steps * c.batch) * sizeof(double));
}

}  // namespace

void mixture_losses(const CellOperands& c, const real* w, const real* scores, real* loss) {
  launch("mixture_losses", loss_of_mixture, dim3(as_blocks(c.words)), kBlock, c, w, scores, loss);
}

void mixture_gradient(const CellOperands& c, const real* w, const real* scores, const real* dloss, real* dw,
                      real* dscores) {
  launch("mixture_gradient", gradient_of_mixture, dim3(as_blocks(c.words)), kBlock, c, w, scores, dloss, dw,
         dscores);
}

void lattice_losses(const CellOperands& c, const real* w, const real* scores, const real* bias, real* loss) {
  const WordAt word_at(c);
  const Scratch values = values_for(c);
  launch("lattice_losses", loss_of_lattice, dim3(as_blocks(c.batch)), kBlock, c, word_at.data(), w, scores,
         bias, values.as<double>(), loss);
}

void lattice_gradient(const CellOperands& c, const real* w, const real* scores, const real* bias,
                      const real* dloss, real* dw, real* dz) {
  const WordAt word_at(c);
  const Scratch values = values_for(c);
  launch("lattice_gradient", gradient_of_lattice, dim3(as_blocks(c.batch)), kBlock, c, word_at.data(), w,
         scores, bias, values.as<double>(), dloss, dw, dz);
}

void lattice_step(const CellOperands& c, const real* before, const real* scores, const real* bias,
                  real* log_pi) {
  launch("lattice_step", step_rows, dim3(blocks_for(c.words, kBlock)), kBlock, c, before, scores, bias,
         log_pi);
}

}  // namespace mininmt::cuda
