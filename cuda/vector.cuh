// 16-byte accesses, and the order in which threads process elements and rows.
#pragma once

#include <cstdint>
#include <type_traits>

#include "cuda/launch.cuh"

namespace mininmt::cuda {

// Neighbouring elements moved by one access.
template <int kWidth>
struct alignas(kWidth * sizeof(real) < 16 ? kWidth * sizeof(real) : 16) Pack {
  real of[kWidth];
};

inline constexpr int kWide = 16 / sizeof(real);

template <int kWidth>
__device__ Pack<kWidth> load(const real* p) {
  return *reinterpret_cast<const Pack<kWidth>*>(p);
}

template <int kWidth>
__device__ void store(real* p, const Pack<kWidth>& x) {
  *reinterpret_cast<Pack<kWidth>*>(p) = x;
}

template <int kWidth>
__device__ void add(const Pack<kWidth>& x, Pack<kWidth>& sum) {
#pragma unroll
  for (int k = 0; k < kWidth; ++k) sum.of[k] += x.of[k];
}

// The sum of the packs at(i) for i = begin, begin + step, ... below end, in this order, with kAhead loads in
// flight.
template <int kWidth, int kAhead, class At>
__device__ Pack<kWidth> sum_of(Index begin, Index end, Index step, const At& at) {
  Pack<kWidth> sum{};
#pragma unroll 1
  for (Index first = begin; first < end; first += kAhead * step) {
    Pack<kWidth> next[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const Index i = first + k * step;
      next[k] = i < end ? load<kWidth>(at(i)) : Pack<kWidth>{};
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) add(next[k], sum);
  }
  return sum;
}

// Whether all pointers are 16-byte aligned.
template <class... Pointers>
bool aligned(const Pointers*... pointers) {
  return ((reinterpret_cast<std::uintptr_t>(pointers) % 16 == 0) && ...);
}

// Whether n elements are enough for wide accesses: with fewer, more threads with less work finish sooner.
inline bool many(Index n) { return n >= Index{512} * kWide * context().multiprocessors; }

// Calls f with the access width as a compile-time constant.
template <class F>
void with_width(bool wide, F f) {
  if (wide)
    f(std::integral_constant<int, kWide>{});
  else
    f(std::integral_constant<int, 1>{});
}

// The threads of a block are spread over rows and over packs of columns: 2^bits lanes side by side in each
// row. At most a warp, to limit what is reread in each row, unless there are few rows.
struct Lanes {
  int bits = 0;
  __host__ __device__ int count() const { return 1 << bits; }
  __host__ __device__ int rows() const { return kBlock >> bits; }
  __device__ int lane() const { return static_cast<int>(threadIdx.x) & (count() - 1); }
  __device__ int row() const { return static_cast<int>(threadIdx.x) >> bits; }
};

inline Lanes lanes_for(Index rows, Index packs, int most = kBlock) {
  Lanes lanes;
  while (lanes.count() < std::min<Index>(packs, most) && (lanes.count() < kWarp || rows < lanes.rows()))
    ++lanes.bits;
  return lanes;
}

// Calls body(blockIdx.z, row, column) for the first column of each of `packs` packs in each row.
template <class Body>
__global__ __launch_bounds__(kBlock, 4) void visit_rows(Index rows, Index packs, Lanes lanes,
                                                        const Body body) {
  const Index row_step = Index{gridDim.x} * lanes.rows(), pack_step = Index{gridDim.y} * lanes.count();
#pragma unroll 1
  for (Index row = Index{blockIdx.x} * lanes.rows() + lanes.row(); row < rows; row += row_step) {
#pragma unroll 1
    for (Index pack = Index{blockIdx.y} * lanes.count() + lanes.lane(); pack < packs; pack += pack_step)
      body(blockIdx.z, row, pack * Body::kWidth);
  }
}

// The same for `layers` matrices (at most 65535) of rows x columns, a multiple of Body::kWidth.
template <class Body>
void for_rows(const char* name, Index layers, Index rows, Index columns, const Body& body) {
  const Index packs = columns / Body::kWidth;
  if (layers == 0 || rows == 0 || packs == 0) return;
  const Lanes lanes = lanes_for(rows, packs);
  const unsigned tiles = std::min(blocks_for(packs, lanes.count()), 65535u);
  const Index most = Index{32} * context().multiprocessors / (layers * tiles);
  const Index blocks = std::min<Index>(blocks_for(rows, lanes.rows()), std::max<Index>(most, 1));
  const dim3 grid(static_cast<unsigned>(blocks), tiles, static_cast<unsigned>(layers));
  launch(name, visit_rows<Body>, grid, kBlock, rows, packs, lanes, body);
}

}  // namespace mininmt::cuda
