#include "ops/elementwise.h"

#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void sum_range(std::int64_t n, const real* a, const real* b, real* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

MININMT_VECTORIZED void product_range(std::int64_t n, const real* a, const real* b, real* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

MININMT_VECTORIZED void add_product_range(std::int64_t n, const real* a, const real* b, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] += a[i] * b[i];
}

MININMT_VECTORIZED void tanh_range(std::int64_t n, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = mininmt::tanh(x[i]);
}

MININMT_VECTORIZED void sigmoid_range(std::int64_t n, const real* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] = mininmt::sigmoid(x[i]);
}

MININMT_VECTORIZED void tanh_gradient_range(std::int64_t n, const real* y, const real* dy, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) dx[i] += dy[i] * tanh_slope(y[i]);
}

MININMT_VECTORIZED void sigmoid_gradient_range(std::int64_t n, const real* y, const real* dy, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) dx[i] += dy[i] * sigmoid_slope(y[i]);
}

constexpr std::int64_t kCost = 4;  // of an element, in the units of parallel_for()

// x and the gradient of y = f(x) by its output, for tanh and sigmoid.
Var map(Var x, void (*f)(std::int64_t, const real*, real*),
        void (*gradient)(std::int64_t, const real*, const real*, real*)) {
  Tensor y(x.shape());
  parallel_for(y.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
    f(end - begin, x.value().data() + begin, y.data() + begin);
  });
  return x.tape->record(y, {x}, [x, gradient](const Tensor& y, const Tensor& dy) {
    real* const dx = x.gradient().data();
    parallel_for(y.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
      gradient(end - begin, y.data() + begin, dy.data() + begin, dx + begin);
    });
  });
}

}  // namespace

Var add(Var a, Var b) {
  const bool is_bias = b.shape().rank() == 1 && a.shape().rank() > 1;
  check_shape("add", "b", b.shape(), is_bias ? Shape{a.shape()[-1]} : a.shape());
  Tensor y(a.shape());
  if (is_bias) {
    std::copy(a.value().data(), a.value().data() + a.value().size(), y.data());
    add_to_rows(y.shape().rows(), y.shape()[-1], b.value().data(), y.data());
  } else {
    sum_range(y.size(), a.value().data(), b.value().data(), y.data());
  }
  return a.tape->record(y, {a, b}, [a, b, is_bias](const Tensor&, const Tensor& dy) {
    if (a.needs_gradient()) add_to(dy.size(), dy.data(), a.gradient().data());
    if (!b.needs_gradient()) return;
    if (is_bias)
      add_sum_of_rows(dy.shape().rows(), dy.shape()[-1], dy.data(), b.gradient().data());
    else
      add_to(dy.size(), dy.data(), b.gradient().data());
  });
}

Var multiply(Var a, Var b) {
  check_shape("multiply", "b", b.shape(), a.shape());
  Tensor y(a.shape());
  product_range(y.size(), a.value().data(), b.value().data(), y.data());
  return a.tape->record(y, {a, b}, [a, b](const Tensor&, const Tensor& dy) {
    if (a.needs_gradient()) add_product_range(dy.size(), dy.data(), b.value().data(), a.gradient().data());
    if (b.needs_gradient()) add_product_range(dy.size(), dy.data(), a.value().data(), b.gradient().data());
  });
}

Var scale(Var x, real factor) {
  Tensor y = Tensor::zeros(x.shape());
  add_scaled(y.size(), factor, x.value().data(), y.data());
  return x.tape->record(y, {x}, [x, factor](const Tensor&, const Tensor& dy) {
    add_scaled(dy.size(), factor, dy.data(), x.gradient().data());
  });
}

Var tanh(Var x) { return map(x, tanh_range, tanh_gradient_range); }

Var sigmoid(Var x) { return map(x, sigmoid_range, sigmoid_gradient_range); }

}  // namespace mininmt
