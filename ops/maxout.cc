#include "ops/maxout.h"

#include "cuda/kernels.h"
#include "ops/check.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// Whether the first of a pair is larger, or NaN.
inline bool is_first(const real* pair) { return pair[0] >= pair[1] || pair[0] != pair[0]; }

MININMT_VECTORIZED void larger_of_pairs(std::int64_t count, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = is_first(x + 2 * i) ? x[2 * i] : x[2 * i + 1];
}

MININMT_VECTORIZED void add_to_larger(std::int64_t count, const real* x, const real* dy, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const bool first = is_first(x + 2 * i);
    dx[2 * i] += first ? dy[i] : 0;
    dx[2 * i + 1] += first ? 0 : dy[i];
  }
}

void set_larger(const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::maxout(y.size(), x.data(), y.data());
  parallel_for(y.size(), 3, [&](std::int64_t begin, std::int64_t end) {
    larger_of_pairs(end - begin, x.data() + 2 * begin, y.data() + begin);
  });
}

void add_gradient_to_larger(const Tensor& x, const Tensor& dy, const Tensor& dx) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_maxout_gradient(dy.size(), x.data(), dy.data(), dx.data());
  parallel_for(dy.size(), 6, [&](std::int64_t begin, std::int64_t end) {
    add_to_larger(end - begin, x.data() + 2 * begin, dy.data() + begin, dx.data() + 2 * begin);
  });
}

}  // namespace

Var maxout(Var x) {
  check_rank("maxout", "x", x.shape(), 1);
  if (x.shape()[-1] % 2 != 0)
    throw Error("[maxout] (x) must have an even last dimension but has shape " + x.shape().to_string());
  const Tensor y(x.shape().with_last(x.shape()[-1] / 2), x.value().memory());
  set_larger(x.value(), y);
  return x.tape->record("maxout", y, {x}, [x](const Tensor&, const Tensor& dy) {
    add_gradient_to_larger(x.value(), dy, x.gradient());
  });
}

}  // namespace mininmt
