#include "ops/elementwise.h"

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/elementwise.h"
#include "tensor/parallel.h"

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

template <class F>
void value_range(std::int64_t n, const real* x, real* y) {
  vectorized([=] {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = F::value(x[i]);
  });
}

template <class F>
void add_gradient_range(std::int64_t n, const real* kept, const real* dy, real* dx) {
  vectorized([=] {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) dx[i] += dy[i] * slope<F>(kept[i]);
  });
}

constexpr std::int64_t kCost = 4;  // per element, in units of parallel_for()

template <class F>
void set_value(const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::elementwise(number_of<F>(), x.size(), x.data(), y.data());
  parallel_for(x.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
    value_range<F>(end - begin, x.data() + begin, y.data() + begin);
  });
}

// kept: the output or the input, depending on F.
template <class F>
void add_slope(const Tensor& kept, const Tensor& dy, const Tensor& dx) {
  if constexpr (kHasCuda)
    if (dy.on_cuda())
      return cuda::add_elementwise_gradient(number_of<F>(), dy.size(), kept.data(), dy.data(), dx.data());
  parallel_for(dy.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
    add_gradient_range<F>(end - begin, kept.data() + begin, dy.data() + begin, dx.data() + begin);
  });
}

// y = F(x)
template <class F>
Var elementwise(Var x) {
  const Tensor y(x.shape(), x.value().memory());
  set_value<F>(x.value(), y);
  return x.tape->record(F::name, y, {x}, [x](const Tensor& y, const Tensor& dy) {
    add_slope<F>(kFromOutput<F> ? y : x.value(), dy, x.gradient());
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

Var tanh(Var x) { return elementwise<Tanh>(x); }
Var sigmoid(Var x) { return elementwise<Sigmoid>(x); }
Var softplus(Var x) { return elementwise<Softplus>(x); }
Var relu(Var x) { return elementwise<Relu>(x); }

}  // namespace mininmt
