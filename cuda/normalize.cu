// Rows divided by their length (ops/normalize.h): a warp per row. Floor: x once; once more backward, dy and
// dx.
#include <cmath>

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;

// x . y, computed by a warp; all lanes get it.
__device__ real dot(Index n, const real* x, const real* y) {
  real sum = 0;
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp) sum += x[i] * y[i];
  return warp_reduce(sum, Plus{});
}

__device__ real norm(Index n, const real* x) { return Larger{}(std::sqrt(dot(n, x, x)), kLeastNorm); }

__device__ Index row_of_warp() { return Index{blockIdx.x} * kWarps + threadIdx.x / kWarp; }

__global__ void __launch_bounds__(kBlock)
    normalize_rows(Index rows, Index n, const real* x, const real* a, real* y) {
  const Index r = row_of_warp();
  if (r >= rows) return;  // the same for the whole warp
  x += r * n;
  const real factor = (a ? a[r] : 1) / norm(n, x);
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp) y[r * n + i] = factor * x[i];
}

__global__ void __launch_bounds__(kBlock)
    normalize_gradient(Index rows, Index n, const real* x, const real* a, const real* dy, real* dx,
                       real* da) {
  const Index r = row_of_warp();
  if (r >= rows) return;  // the same for the whole warp
  x += r * n;
  dy += r * n;
  const real size = norm(n, x), along = dot(n, x, dy) / size;
  if (da && threadIdx.x % kWarp == 0) da[r] += along;
  if (!dx) return;
  const real factor = (a ? a[r] : 1) / size, back = size > kLeastNorm ? along / size : 0;
  for (Index i = threadIdx.x % kWarp; i < n; i += kWarp) dx[r * n + i] += factor * (dy[i] - back * x[i]);
}

}  // namespace

void normalize(Index rows, Index n, const real* x, const real* a, real* y) {
  launch("normalize", normalize_rows, dim3(blocks_for(rows, kWarps)), kBlock, rows, n, x, a, y);
}

void add_normalize_gradient(Index rows, Index n, const real* x, const real* a, const real* dy, real* dx,
                            real* da) {
  launch("add_normalize_gradient", normalize_gradient, dim3(blocks_for(rows, kWarps)), kBlock, rows, n, x, a,
         dy, dx, da);
}

}  // namespace mininmt::cuda
