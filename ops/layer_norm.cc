#include "ops/layer_norm.h"

#include <cmath>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

struct Moments {
  real mean, per_s;  // 1 / s
};

MININMT_VECTORIZED Moments moments(std::int64_t n, const real* x) {
  real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += x[i];
  const real mean = sum / static_cast<real>(n);
#pragma omp simd reduction(+ : squares)
  for (std::int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<real>(n) + cuda::kLayerNormEpsilon)};
}

MININMT_VECTORIZED void set_row(std::int64_t n, const real* x, const real* gain, const real* bias, real* y) {
  const Moments m = moments(n, x);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = gain[i] * ((x[i] - m.mean) * m.per_s) + bias[i];
}

// dy * x^
MININMT_VECTORIZED void set_gain_row(std::int64_t n, const real* x, const real* dy, real* y) {
  const Moments m = moments(n, x);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = dy[i] * ((x[i] - m.mean) * m.per_s);
}

MININMT_VECTORIZED void add_row_gradient(std::int64_t n, const real* x, const real* gain, const real* dy,
                                         real* dx) {
  const Moments m = moments(n, x);
  real sum = 0, along = 0;  // of d, and of d * x^
#pragma omp simd reduction(+ : sum, along)
  for (std::int64_t i = 0; i < n; ++i) {
    sum += dy[i] * gain[i];
    along += dy[i] * gain[i] * ((x[i] - m.mean) * m.per_s);
  }
  sum /= static_cast<real>(n);
  along /= static_cast<real>(n);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    dx[i] += (dy[i] * gain[i] - sum - (x[i] - m.mean) * m.per_s * along) * m.per_s;
}

void set_layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, const Tensor& y) {
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::layer_norm(rows, n, x.data(), gain.data(), bias.data(), y.data());
  parallel_for(rows, 4 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      set_row(n, x.data() + r * n, gain.data(), bias.data(), y.data() + r * n);
  });
}

// dx may be null; rows_of_gain (rows, n), what each row adds to dgain, may be null.
void add_layer_norm_gradient(const Tensor& x, const Tensor& gain, const Tensor& dy, real* dx,
                             real* rows_of_gain) {
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda())
      return cuda::add_layer_norm_gradient(rows, n, x.data(), gain.data(), dy.data(), dx, rows_of_gain);
  parallel_for(rows, 8 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * n; at < end * n; at += n) {
      if (dx) add_row_gradient(n, x.data() + at, gain.data(), dy.data() + at, dx + at);
      if (rows_of_gain) set_gain_row(n, x.data() + at, dy.data() + at, rows_of_gain + at);
    }
  });
}

}  // namespace

Var layer_norm(Var x, Var gain, Var bias) {
  check_rank("layer_norm", "x", x.shape(), 1);
  check_shape("layer_norm", "gain", gain.shape(), {x.shape()[-1]});
  check_shape("layer_norm", "bias", bias.shape(), {x.shape()[-1]});
  const Tensor y(x.shape(), x.value().memory());
  set_layer_norm(x.value(), gain.value(), bias.value(), y);
  return x.tape->record("layer_norm", y, {x, gain, bias}, [=](const Tensor&, const Tensor& dy) {
    const Tensor rows = gain.needs_gradient() ? Tensor(dy.shape(), dy.memory()) : Tensor();
    add_layer_norm_gradient(x.value(), gain.value(), dy, x.needs_gradient() ? x.gradient().data() : nullptr,
                            rows.data());
    if (gain.needs_gradient()) add_sum_of_rows(rows, gain.gradient());
    if (bias.needs_gradient()) add_sum_of_rows(dy, bias.gradient());
  });
}

}  // namespace mininmt
