// Common to all kernel sources: checked launches, and reductions over a warp or a block in a fixed order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "cuda/context.cuh"
#include "cuda/kernels.h"
#include "tensor/error.h"

namespace mininmt::cuda {

inline constexpr int kWarp = 32;
inline constexpr int kBlock = 256;  // threads, by default
inline constexpr unsigned kAllLanes = 0xffffffffu;

// Starts kernel(args...) on grid x threads; `threads` is a multiple of kWarp. An empty grid is allowed.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, int threads, Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = context().stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), name);
}

// x for an interface that takes 32 bits: throws Error if it does not fit.
inline int as_int(const char* what, Index x) {
  if (x < 0 || x > std::numeric_limits<int>::max())
    throw Error(join("[", what, "] a size of ", x, " is beyond the ", std::numeric_limits<int>::max(),
                     " that a GPU's libraries and grids take"));
  return static_cast<int>(x);
}

// A grid of this many blocks.
inline unsigned as_blocks(Index blocks) { return static_cast<unsigned>(as_int("grid", blocks)); }

inline unsigned blocks_for(Index items, Index per_block) {
  return as_blocks((items + per_block - 1) / per_block);
}

// Blocks for a grid-stride loop over n items: enough to keep the GPU busy, but no more than needed.
inline unsigned striding_blocks(Index n, int threads = kBlock) {
  return static_cast<unsigned>(
      std::min<Index>((n + threads - 1) / threads, Index{8} * context().multiprocessors));
}

// Reduces by op over the lanes of a warp; every lane gets the result. A butterfly: the order is fixed.
template <class T, class Op>
__device__ T warp_reduce(T x, Op op) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) x = op(x, __shfl_xor_sync(kAllLanes, x, offset));
  return x;
}

// The same over a block of at most 1024 threads; every thread gets the result. All threads must call it.
template <class T, class Op>
__device__ T block_reduce(T x, Op op, T neutral) {
  __shared__ T of_warp[kWarp];
  x = warp_reduce(x, op);
  __syncthreads();  // an earlier reduction may still be reading of_warp
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = x;
  __syncthreads();  // the values of all warps are complete
  const unsigned warps = blockDim.x / kWarp, lane = threadIdx.x % kWarp;
  return warp_reduce(lane < warps ? of_warp[lane] : neutral, op);
}

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

// The larger; propagates NaN.
struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

}  // namespace mininmt::cuda
