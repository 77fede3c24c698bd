#include "ops/matmul.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/rows.h"

namespace mininmt {
namespace {

// The gradient of an operand that stands transposed is transposed too: (A B)^T = B^T A^T.
void add_product(const Tensor& c, bool transpose_c, std::int64_t m, std::int64_t n, std::int64_t k, Matrix a,
                 Matrix b) {
  if (!transpose_c) {
    gemm(m, n, k, a, b, c.data(), n, true);
  } else {
    const auto flipped = [](Matrix x) { return Matrix{x.data, x.stride, !x.transposed}; };
    gemm(n, m, k, flipped(b), flipped(a), c.data(), m, true);
  }
}

void check_linear(Var x, const Shape& W) {
  check_rank("linear", "W", W, 2, 2);
  check_rank("linear", "x", x.shape(), 1);
  check_shape("linear", "x", x.shape(), x.shape().with_last(W[1]));
}

void linear_forward(Var x, const Tensor& W, const Tensor& y) {
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  gemm(x.shape().rows(), n, k, {x.value().data(), k}, {W.data(), k, true}, y.data(), n, false);
}

void linear_input_gradient(Var x, const Tensor& W, const Tensor& dy) {
  if (!x.needs_gradient()) return;
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  gemm(x.shape().rows(), k, n, {dy.data(), n}, {W.data(), k}, x.gradient().data(), k, true);
}

void linear_weight_gradient(Var x, Var W, const Tensor& dy) {
  if (!W.needs_gradient()) return;
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  gemm(n, k, x.shape().rows(), {dy.data(), n, true}, {x.value().data(), k}, W.gradient().data(), k, true);
}

}  // namespace

Var matmul(Var a, Var b, bool transpose_a, bool transpose_b) {
  check_rank("matmul", "a", a.shape(), 2, 2);
  check_rank("matmul", "b", b.shape(), 2, 2);
  const std::int64_t m = a.shape()[transpose_a ? 1 : 0], k = a.shape()[transpose_a ? 0 : 1];
  const std::int64_t n = b.shape()[transpose_b ? 0 : 1];
  check_shape("matmul", "b", b.shape(), transpose_b ? Shape{n, k} : Shape{k, n});
  Tensor y({m, n});
  gemm(m, n, k, {a.value().data(), a.shape()[1], transpose_a}, {b.value().data(), b.shape()[1], transpose_b},
       y.data(), n, false);
  return a.tape->record(y, {a, b}, [=](const Tensor&, const Tensor& dy) {
    const Matrix d{dy.data(), n};
    const Matrix a_t{a.value().data(), a.shape()[1], !transpose_a},
        b_t{b.value().data(), b.shape()[1], !transpose_b};
    if (a.needs_gradient()) add_product(a.gradient(), transpose_a, m, k, n, d, b_t);
    if (b.needs_gradient()) add_product(b.gradient(), transpose_b, k, n, m, a_t, d);
  });
}

Var linear(Var x, Var W) {
  check_linear(x, W.shape());
  Tensor y(x.shape().with_last(W.shape()[0]));
  linear_forward(x, W.value(), y);
  return x.tape->record(y, {x, W}, [x, W](const Tensor&, const Tensor& dy) {
    linear_input_gradient(x, W.value(), dy);
    linear_weight_gradient(x, W, dy);
  });
}

Var linear(Var x, Var W, Var bias) {
  check_linear(x, W.shape());
  check_shape("linear", "bias", bias.shape(), {W.shape()[0]});
  Tensor y(x.shape().with_last(W.shape()[0]));
  linear_forward(x, W.value(), y);
  add_to_rows(y.shape().rows(), y.shape()[-1], bias.value().data(), y.data());
  return x.tape->record(y, {x, W, bias}, [x, W, bias](const Tensor&, const Tensor& dy) {
    linear_input_gradient(x, W.value(), dy);
    linear_weight_gradient(x, W, dy);
    if (bias.needs_gradient())
      add_sum_of_rows(dy.shape().rows(), dy.shape()[-1], dy.data(), bias.gradient().data());
  });
}

StepWeight::StepWeight(Var W) : W_(W) {
  if (!W.needs_gradient()) return;
  W.tape->on_backward([W, pending = pending_] {
    const std::int64_t k = W.shape()[1];
    for (const Rows& r : pending->blocks) {
      const std::int64_t row_count = r.dy.shape()[1];
      gemm(row_count, k, r.count, {r.dy.data(), row_count, true}, {r.x.data(), k},
           W.gradient().data() + r.first_row * k, k, true);
    }
    *pending = {};
  });
}

void StepWeight::add_step(std::int64_t rows, const real* x, std::int64_t x_stride, const real* dy,
                          std::int64_t dy_stride, std::int64_t first_row, std::int64_t row_count) const {
  if (!W_.needs_gradient()) return;
  const std::int64_t k = W_.shape()[1];
  auto& blocks = pending_->blocks;
  auto block = std::find_if(blocks.begin(), blocks.end(), [&](const Rows& r) {
    return r.first_row == first_row && r.dy.shape()[1] == row_count;
  });
  if (block == blocks.end())
    block = blocks.insert(blocks.end(), Rows{first_row, 0, Tensor({pending_->expected, k}),
                                             Tensor({pending_->expected, row_count})});
  if (block->count + rows > pending_->expected)
    throw Error("[StepWeight] more rows are handed in than were expected");
  for (std::int64_t i = 0; i < rows; ++i, ++block->count) {
    std::copy(x + i * x_stride, x + i * x_stride + k, block->x.data() + block->count * k);
    std::copy(dy + i * dy_stride, dy + i * dy_stride + row_count,
              block->dy.data() + block->count * row_count);
  }
}

Var linear(Var x, const StepWeight& W) {
  check_linear(x, W.value().shape());
  const std::int64_t n = W.value().shape()[0], k = W.value().shape()[1];
  Tensor y(x.shape().with_last(n));
  linear_forward(x, W.value(), y);
  W.expect(x.shape().rows());
  return x.tape->record(y, {x, W.var()}, [x, W, n, k](const Tensor&, const Tensor& dy) {
    linear_input_gradient(x, W.value(), dy);
    W.add_step(x.shape().rows(), x.value().data(), k, dy.data(), n, 0, n);
  });
}

}  // namespace mininmt
