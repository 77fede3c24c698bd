#include "ops/rows.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void add_range(std::int64_t n, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

MININMT_VECTORIZED void add_scaled_range(std::int64_t n, real factor, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

}  // namespace

MININMT_VECTORIZED real dot(std::int64_t n, const real* x, const real* y) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

void add_to(std::int64_t n, const real* x, real* y) {
  parallel_for(n, 1,
               [&](std::int64_t begin, std::int64_t end) { add_range(end - begin, x + begin, y + begin); });
}

void add_scaled(std::int64_t n, real factor, const real* x, real* y) { add_scaled_range(n, factor, x, y); }

void add_sum_of_rows(std::int64_t rows, std::int64_t n, const real* x, real* y) {
  parallel_for(n, rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < rows; ++i) add_range(end - begin, x + i * n + begin, y + begin);
  });
}

void add_to(const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_to(x.size(), x.data(), y.data());
  add_to(x.size(), x.data(), y.data());
}

void add_scaled(real factor, const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_scaled(x.size(), factor, x.data(), y.data());
  add_scaled(x.size(), factor, x.data(), y.data());
}

void add_to_rows(const Tensor& x, const Tensor& y) {
  const std::int64_t rows = y.shape().rows(), n = y.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::spread_over_rows(rows, n, x.data(), y.data(), true);
  parallel_for(rows, n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) add_range(n, x.data(), y.data() + i * n);
  });
}

void add_sum_of_rows(const Tensor& x, const Tensor& y) {
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_sum_of_rows(rows, n, x.data(), y.data());
  add_sum_of_rows(rows, n, x.data(), y.data());
}

Tensor join_columns(const std::vector<Tensor>& blocks, std::int64_t first, std::int64_t width) {
  const std::int64_t n = blocks[0].shape()[-1];
  std::int64_t rows = 0;
  for (const Tensor& block : blocks) rows += block.shape().rows();
  const Tensor y({rows, width}, blocks[0].memory());
  if constexpr (kHasCuda)
    if (y.on_cuda()) {
      std::vector<const real*> sources;
      for (const Tensor& block : blocks) sources.push_back(block.data() + first);
      cuda::join_blocks(sources, blocks[0].shape().rows(), width, n, y.data());
      return y;
    }
  real* to = y.data();
  for (const Tensor& block : blocks)
    for (std::int64_t i = 0; i < block.shape().rows(); ++i, to += width) {
      const real* const row = block.data() + i * n + first;
      std::copy(row, row + width, to);
    }
  return y;
}

void gather(const Tensor& x, const Indices& index, const Tensor& y) {
  const std::int64_t n = y.shape()[-1], count = static_cast<std::int64_t>(index.size());
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::gather_rows(count, n, index.in(y.memory()), x.data(), y.data());
  parallel_for(count, n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      real* const row = y.data() + i * n;
      if (index[i] == kNone)
        std::fill(row, row + n, real{0});
      else
        std::copy(x.data() + index[i] * n, x.data() + (index[i] + 1) * n, row);
    }
  });
}

void scatter_add(const Tensor& x, const Indices& index, const Tensor& y) {
  const std::int64_t n = x.shape()[-1], count = static_cast<std::int64_t>(index.size());
  if constexpr (kHasCuda)
    if (y.on_cuda())
      return cuda::scatter_add_rows(count, n, index.in(y.memory()), x.data(), y.data(), index.distinct(),
                                    y.shape().rows());
  for (std::int64_t i = 0; i < count; ++i)
    if (index[i] != kNone) add_to(n, x.data() + i * n, y.data() + index[i] * n);
}

}  // namespace mininmt
