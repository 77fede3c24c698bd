// Graves' window (ops/window.h): a block per row. phi (rows, steps) lies in global memory, with a barrier
// between the two halves of a kernel. Floor: the annotations once.
#include "cuda/window.h"

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;

__global__ void __launch_bounds__(kBlock)
    move_centres(Index count, Index K, const real* u, const real* before, real* kappa) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (i < count) kappa[i] = before[i] + window_exp(u[i / K * 3 * K + 2 * K + i % K]);
}

__global__ void __launch_bounds__(kBlock)
    centres_gradient(Index count, Index K, const real* u, const real* dkappa, real* du) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (i >= count) return;
  const Index at = i / K * 3 * K + 2 * K + i % K;
  if (window_has_slope(u[at])) du[at] += dkappa[i] * window_exp(u[at]);
}

__global__ void __launch_bounds__(kBlock)
    read_window(WindowSizes w, const std::int32_t* lengths, const std::int32_t* sentence_of_row,
                const real* u, const real* kappa, const real* h, real* phi, real* c) {
  const Index r = blockIdx.x, b = sentence_of_row ? sentence_of_row[r] : r, K = w.gaussians;
  const real *const u_r = u + r * 3 * K, *const kappa_r = kappa + r * K;
  real* const phi_r = phi + r * w.steps;
  for (Index j = threadIdx.x; j < w.steps; j += kBlock) {
    real sum = 0;
    if (j < lengths[b])
      for (Index k = 0; k < K; ++k)
        sum += window_term(window_exp(u_r[k]), window_exp(u_r[K + k]), kappa_r[k] - static_cast<real>(j + 1));
    phi_r[j] = sum;
  }
  __syncthreads();  // the row of phi is complete
  for (Index column = threadIdx.x; column < w.context; column += kBlock) {
    real sum = 0;
    for (Index j = 0; j < lengths[b]; ++j) sum += phi_r[j] * h[(j * w.batch + b) * w.context + column];
    c[r * w.context + column] = sum;
  }
}

// First half, a warp per position: d_j = h_j . dc, and dh_j += phi_j dc. Second half, a warp per Gaussian.
__global__ void __launch_bounds__(kBlock)
    window_gradient(WindowSizes w, const std::int32_t* lengths, const real* u, const real* kappa,
                    const real* h, const real* phi, const real* dc, real* d, real* du, real* dkappa,
                    real* dh) {
  const Index b = blockIdx.x, K = w.gaussians;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, length = lengths[b];
  const real* const dc_b = dc + b * w.context;
  real* const d_b = d + b * w.steps;
  for (Index j = warp; j < length; j += kWarps) {
    const Index at = (j * w.batch + b) * w.context;
    const real weight = phi[b * w.steps + j];
    real sum = 0;
    for (Index column = lane; column < w.context; column += kWarp) {
      sum += h[at + column] * dc_b[column];
      if (dh) dh[at + column] += weight * dc_b[column];
    }
    sum = warp_reduce(sum, Plus{});
    if (lane == 0) d_b[j] = sum;
  }
  __syncthreads();  // all d_j are complete

  const real *const u_b = u + b * 3 * K, *const kappa_b = kappa + b * K;
  for (Index k = warp; k < K; k += kWarps) {
    const real alpha = window_exp(u_b[k]), beta = window_exp(u_b[K + k]);
    real da = 0, db = 0, dk = 0;
    for (int j = lane; j < length; j += kWarp) {
      const real distance = kappa_b[k] - static_cast<real>(j + 1);
      const real pd = window_term(alpha, beta, distance) * d_b[j];
      da += pd;
      db -= beta * distance * distance * pd;
      dk -= 2 * beta * distance * pd;
    }
    da = warp_reduce(da, Plus{});
    db = warp_reduce(db, Plus{});
    dk = warp_reduce(dk, Plus{});
    if (lane != 0) continue;
    if (du && window_has_slope(u_b[k])) du[b * 3 * K + k] += da;
    if (du && window_has_slope(u_b[K + k])) du[b * 3 * K + K + k] += db;
    if (dkappa) dkappa[b * K + k] += dk;
  }
}

}  // namespace

void window_centres(Index rows, Index gaussians, const real* u, const real* before, real* kappa) {
  launch("window_centres", move_centres, dim3(blocks_for(rows * gaussians, kBlock)), kBlock, rows * gaussians,
         gaussians, u, before, kappa);
}

void add_window_centres_gradient(Index rows, Index gaussians, const real* u, const real* dkappa, real* du) {
  launch("add_window_centres_gradient", centres_gradient, dim3(blocks_for(rows * gaussians, kBlock)), kBlock,
         rows * gaussians, gaussians, u, dkappa, du);
}

void window(const WindowSizes& w, const std::int32_t* lengths, const std::int32_t* sentence_of_row,
            const real* u, const real* kappa, const real* h, real* phi, real* c) {
  launch("window", read_window, dim3(as_blocks(w.rows)), kBlock, w, lengths, sentence_of_row, u, kappa, h,
         phi, c);
}

void add_window_gradient(const WindowSizes& w, const std::int32_t* lengths, const real* u, const real* kappa,
                         const real* h, const real* phi, const real* dc, real* du, real* dkappa, real* dh) {
  const Scratch d(static_cast<std::size_t>(w.rows * w.steps) * sizeof(real));
  launch("add_window_gradient", window_gradient, dim3(as_blocks(w.rows)), kBlock, w, lengths, u, kappa, h,
         phi, dc, d.as<real>(), du, dkappa, dh);
}

}  // namespace mininmt::cuda
