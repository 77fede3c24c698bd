#include "ops/maxout.h"

#include "ops/check.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void larger_of_pairs(std::int64_t count, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[2 * i] >= x[2 * i + 1] ? x[2 * i] : x[2 * i + 1];
}

MININMT_VECTORIZED void add_to_larger(std::int64_t count, const real* x, const real* dy, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const bool first = x[2 * i] >= x[2 * i + 1];
    dx[2 * i] += first ? dy[i] : 0;
    dx[2 * i + 1] += first ? 0 : dy[i];
  }
}

}  // namespace

Var maxout(Var x) {
  check_rank("maxout", "x", x.shape(), 1);
  if (x.shape()[-1] % 2 != 0)
    throw Error("[maxout] (x) must have an even last dimension but has shape " + x.shape().to_string());
  Tensor y(x.shape().with_last(x.shape()[-1] / 2));
  parallel_for(y.size(), 3, [&](std::int64_t begin, std::int64_t end) {
    larger_of_pairs(end - begin, x.value().data() + 2 * begin, y.data() + begin);
  });
  return x.tape->record(y, {x}, [x](const Tensor& y, const Tensor& dy) {
    real* const dx = x.gradient().data();
    parallel_for(y.size(), 6, [&](std::int64_t begin, std::int64_t end) {
      add_to_larger(end - begin, x.value().data() + 2 * begin, dy.data() + begin, dx + 2 * begin);
    });
  });
}

}  // namespace mininmt
