#include "ops/rows.h"

#include "tensor/parallel.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void add_range(std::int64_t n, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace

void add_to(std::int64_t n, const real* x, real* y) {
  parallel_for(n, 1,
               [&](std::int64_t begin, std::int64_t end) { add_range(end - begin, x + begin, y + begin); });
}

MININMT_VECTORIZED void add_scaled(std::int64_t n, real factor, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

void add_to_rows(std::int64_t rows, std::int64_t n, const real* x, real* y) {
  parallel_for(rows, n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) add_range(n, x, y + i * n);
  });
}

void add_sum_of_rows(std::int64_t rows, std::int64_t n, const real* x, real* y) {
  parallel_for(n, rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < rows; ++i) add_range(end - begin, x + i * n + begin, y + begin);
  });
}

}  // namespace mininmt
