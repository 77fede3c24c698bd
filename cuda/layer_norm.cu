// Layer normalization (ops/layer_norm.h): a warp per row. Floor: x once; once more backward, dy and dx.
#include <cmath>

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;

// sum_i f(i) for i < n, computed by a warp; all lanes get it.
template <class F>
__device__ real sum_over(Index n, F f) {
  real sum = 0;
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp) sum += f(i);
  return warp_reduce(sum, Plus{});
}

struct Moments {
  real mean, per_s;  // 1 / s
};

__device__ Moments moments(Index n, const real* x) {
  const real mean = sum_over(n, [=](Index i) { return x[i]; }) / static_cast<real>(n);
  const real squares = sum_over(n, [=](Index i) { return (x[i] - mean) * (x[i] - mean); });
  return {mean, 1 / std::sqrt(squares / static_cast<real>(n) + kLayerNormEpsilon)};
}

__device__ Index row_of_warp() { return Index{blockIdx.x} * kWarps + threadIdx.x / kWarp; }

__global__ void __launch_bounds__(kBlock)
    layer_norm_rows(Index rows, Index n, const real* x, const real* gain, const real* bias, real* y) {
  const Index r = row_of_warp();
  if (r >= rows) return;  // the same for the whole warp
  x += r * n;
  const Moments m = moments(n, x);
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp)
    y[r * n + i] = gain[i] * ((x[i] - m.mean) * m.per_s) + bias[i];
}

__global__ void __launch_bounds__(kBlock)
    layer_norm_gradient(Index rows, Index n, const real* x, const real* gain, const real* dy, real* dx,
                        real* rows_of_gain) {
  const Index r = row_of_warp();
  if (r >= rows) return;  // the same for the whole warp
  x += r * n;
  dy += r * n;
  const Moments m = moments(n, x);
  const auto normal = [=](Index i) { return (x[i] - m.mean) * m.per_s; };
  if (rows_of_gain)
    for (Index i = threadIdx.x % kWarp; i < n; i += kWarp) rows_of_gain[r * n + i] = dy[i] * normal(i);
  if (!dx) return;
  const real mean = sum_over(n, [=](Index i) { return dy[i] * gain[i]; }) / static_cast<real>(n);
  const real along = sum_over(n, [=](Index i) { return dy[i] * gain[i] * normal(i); }) / static_cast<real>(n);
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp)
    dx[r * n + i] += (dy[i] * gain[i] - mean - normal(i) * along) * m.per_s;
}

}  // namespace

void layer_norm(Index rows, Index n, const real* x, const real* gain, const real* bias, real* y) {
  launch("layer_norm", layer_norm_rows, dim3(blocks_for(rows, kWarps)), kBlock, rows, n, x, gain, bias, y);
}

void add_layer_norm_gradient(Index rows, Index n, const real* x, const real* gain, const real* dy, real* dx,
                             real* rows_of_gain) {
  launch("add_layer_norm_gradient", layer_norm_gradient, dim3(blocks_for(rows, kWarps)), kBlock, rows, n, x,
         gain, dy, dx, rows_of_gain);
}

}  // namespace mininmt::cuda
