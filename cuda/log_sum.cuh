// One pass of a block over a row of logits, for the log-sum-exp and anything else from the same read.
#pragma once

#include <cmath>

#include "cuda/vector.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {

// log sum e^x over a sequence of numbers: the largest so far, and the sum relative to it. NaN if one of them
// is NaN or +infinity, or all are -infinity.
struct LogSum {
  real largest = -INFINITY;
  real sum = 0;  // of e^(x - largest)

  // The reference of e^(. - largest), also a number before the first finite x.
  __device__ real shift() const { return largest == -INFINITY ? 0 : largest; }

  template <int n>
  __device__ void add(const real (&x)[n]) {
    const real before = largest;
    for (int i = 0; i < n; ++i) largest = std::fmax(largest, x[i]);  // NaN is handled by the sum
    if (largest > before) sum *= mininmt::exp(before - largest);
    const real s = shift();
    for (int i = 0; i < n; ++i) sum += mininmt::exp(x[i] - s);
  }

  // Over the numbers of all threads of the block; all must call it, and all get it.
  __device__ real of_block() const {
    const real most = block_reduce(largest, Larger{}, real{-INFINITY});
    return most + std::log(block_reduce(sum * mininmt::exp(largest - most), Plus{}, real{0}));
  }
};

inline constexpr int kRowThreads = 512;  // at most, for a row
inline constexpr int kBatch = 16;        // logits a thread loads before it uses the first

// Threads for a row of this many words: one per batch, in whole warps.
inline int row_threads(Index words) {
  return static_cast<int>(
      std::min<Index>((words + kBatch * kWarp - 1) / (kBatch * kWarp) * kWarp, kRowThreads));
}

// Calls use(x, word) for each batch x (kBatch) of the thread's logits, plus bias unless null; word(i) is the
// word of x_i, at least `words` beyond the end of the row, where x_i is -infinity.
template <int kWidth, class Use>
__device__ void scan_row(int words, const real* logits, const real* bias, Use use) {
  constexpr int kPacks = kBatch / kWidth;
  const int stride = static_cast<int>(blockDim.x) * kWidth;
  for (int first = static_cast<int>(threadIdx.x) * kWidth; first < words; first += kPacks * stride) {
    real x[kBatch];
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const bool inside = first + p * stride < words;
      const auto pack = inside ? load<kWidth>(logits + first + p * stride) : Pack<kWidth>{};
      for (int k = 0; k < kWidth; ++k) x[p * kWidth + k] = inside ? pack.of[k] : -INFINITY;
    }
#pragma unroll
    for (int p = 0; p < kPacks; ++p)
      if (bias && first + p * stride < words) {
        const auto pack = load<kWidth>(bias + first + p * stride);
        for (int k = 0; k < kWidth; ++k) x[p * kWidth + k] += pack.of[k];
      }
    use(x, [&](int i) { return first + i / kWidth * stride + i % kWidth; });
  }
}

}  // namespace mininmt::cuda
