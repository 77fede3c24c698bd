// What every kernel source uses: launches with a check, and sums over a warp or a block in a fixed order.
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
inline constexpr int kBlock = 256;  // threads, where nothing speaks for another number
inline constexpr unsigned kAllLanes = 0xffffffffu;

// Starts kernel(args...) on grid x threads; `threads` is a multiple of kWarp. An empty grid starts nothing.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, int threads, Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = context().stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), name);
}

// x for an interface that takes 32 bits: a size that does not fit is an error, never another size.
inline int as_int(const char* what, Index x) {
  if (x < 0 || x > std::numeric_limits<int>::max())
    throw Error(join("[", what, "] a size of ", x, " is beyond the ", std::numeric_limits<int>::max(),
                     " that a GPU's libraries and grids take"));
  return static_cast<int>(x);
}

// A grid of so many blocks.
inline unsigned as_blocks(Index blocks) { return static_cast<unsigned>(as_int("grid", blocks)); }

inline unsigned blocks_for(Index items, Index per_block) {
  return as_blocks((items + per_block - 1) / per_block);
}

// Blocks for a loop over n items with a stride of the whole grid: as many as keep the GPU busy, and no more
// than there is work for.
inline unsigned striding_blocks(Index n, int threads = kBlock) {
  return static_cast<unsigned>(
      std::min<Index>((n + threads - 1) / threads, Index{8} * context().multiprocessors));
}

// op over the values of the warp's lanes; every lane gets the result. A butterfly: the order is fixed.
template <class T, class Op>
__device__ T warp_reduce(T x, Op op) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) x = op(x, __shfl_xor_sync(kAllLanes, x, offset));
  return x;
}

// The same over all threads of the block, at most 1024; every thread gets the result. To be called by all
// threads.
template <class T, class Op>
__device__ T block_reduce(T x, Op op, T neutral) {
  __shared__ T of_warp[kWarp];
  x = warp_reduce(x, op);
  __syncthreads();  // of_warp may still be read from a reduction before
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = x;
  __syncthreads();  // every warp's value is there
  const unsigned warps = blockDim.x / kWarp, lane = threadIdx.x % kWarp;
  return warp_reduce(lane < warps ? of_warp[lane] : neutral, op);
}

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

// The larger; a NaN wins, so that it is seen.
struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

}  // namespace mininmt::cuda
