#include "ops/elementwise.h"

#include "cuda/kernels.h"
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

using Map = void (*)(std::int64_t n, const real* x, real* y);
using MapGradient = void (*)(std::int64_t n, const real* y, const real* dy, real* dx);

template <Map f>
void in_parallel(std::int64_t n, const real* x, real* y) {
  parallel_for(n, kCost, [&](std::int64_t begin, std::int64_t end) { f(end - begin, x + begin, y + begin); });
}

template <MapGradient f>
void in_parallel(std::int64_t n, const real* y, const real* dy, real* dx) {
  parallel_for(n, kCost, [&](std::int64_t begin, std::int64_t end) {
    f(end - begin, y + begin, dy + begin, dx + begin);
  });
}

// y = f(x), with the gradient by its output.
Var map(const char* op, Var x, Map f, MapGradient gradient) {
  const Tensor y(x.shape(), x.value().memory());
  f(y.size(), x.value().data(), y.data());
  return x.tape->record(op, y, {x}, [x, gradient](const Tensor& y, const Tensor& dy) {
    gradient(y.size(), y.data(), dy.data(), x.gradient().data());
  });
}

void set_sum(const Tensor& a, const Tensor& b, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::add(y.size(), a.data(), b.data(), y.data());
  sum_range(y.size(), a.data(), b.data(), y.data());
}

void set_product(const Tensor& a, const Tensor& b, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::multiply(y.size(), a.data(), b.data(), y.data());
  product_range(y.size(), a.data(), b.data(), y.data());
}

void set_scaled(real factor, const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::scale(y.size(), factor, x.data(), y.data());
  y.fill(0);
  add_scaled(factor, x, y);
}

void add_product(const Tensor& a, const Tensor& b, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::add_product(y.size(), a.data(), b.data(), y.data());
  add_product_range(y.size(), a.data(), b.data(), y.data());
}

}  // namespace

Var add(Var a, Var b) {
  const bool is_bias = b.shape().rank() == 1 && a.shape().rank() > 1;
  check_shape("add", "b", b.shape(), is_bias ? Shape{a.shape()[-1]} : a.shape());
  const Tensor y(a.shape(), a.value().memory());
  if (is_bias) {
    y.set(a.value());
    add_to_rows(b.value(), y);
  } else {
    set_sum(a.value(), b.value(), y);
  }
  return a.tape->record("add", y, {a, b}, [a, b, is_bias](const Tensor&, const Tensor& dy) {
    if (a.needs_gradient()) add_gradient(a, dy);
    if (!b.needs_gradient()) return;
    if (is_bias)
      add_sum_of_rows(dy, b.gradient());
    else
      add_gradient(b, dy);
  });
}

Var multiply(Var a, Var b) {
  check_shape("multiply", "b", b.shape(), a.shape());
  const Tensor y(a.shape(), a.value().memory());
  set_product(a.value(), b.value(), y);
  return a.tape->record("multiply", y, {a, b}, [a, b](const Tensor&, const Tensor& dy) {
    if (a.needs_gradient()) add_product(dy, b.value(), a.gradient());
    if (b.needs_gradient()) add_product(dy, a.value(), b.gradient());
  });
}

Var scale(Var x, real factor) {
  const Tensor y(x.shape(), x.value().memory());
  set_scaled(factor, x.value(), y);
  return x.tape->record("scale", y, {x}, [x, factor](const Tensor&, const Tensor& dy) {
    add_scaled(factor, dy, x.gradient());
  });
}

Var tanh(Var x) {
  if constexpr (kHasCuda)
    if (x.value().on_cuda()) return map("tanh", x, cuda::tanh, cuda::add_tanh_gradient);
  return map("tanh", x, in_parallel<tanh_range>, in_parallel<tanh_gradient_range>);
}

Var sigmoid(Var x) {
  if constexpr (kHasCuda)
    if (x.value().on_cuda()) return map("sigmoid", x, cuda::sigmoid, cuda::add_sigmoid_gradient);
  return map("sigmoid", x, in_parallel<sigmoid_range>, in_parallel<sigmoid_gradient_range>);
}

}  // namespace mininmt
