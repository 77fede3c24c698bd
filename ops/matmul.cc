#include "ops/matmul.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "cuda/sentences.h"
#include "ops/bf16_products.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/rows.h"

namespace mininmt {
namespace {

// The gradient of a transposed operand is also transposed: (A B)^T = B^T A^T.
void add_matrix_product(const Tensor& c, bool transpose_c, std::int64_t m, std::int64_t n, std::int64_t k,
                        Matrix a, Matrix b) {
  if (!transpose_c) {
    gemm(c.memory(), m, n, k, a, b, c.data(), n, true);
  } else {
    const auto flipped = [](Matrix x) { return Matrix{x.data, x.stride, !x.transposed}; };
    gemm(c.memory(), n, m, k, flipped(b), flipped(a), c.data(), m, true);
  }
}

void linear_weight_gradient(Var x, Var W, const Tensor& dy) {
  if (!W.needs_gradient()) return;
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  gemm(dy.memory(), n, k, x.shape().rows(), {dy.data(), n, true}, {x.value().data(), k}, W.gradient().data(),
       k, true);
}

// Calls use(first, count, b) for each run of rows of one sentence.
template <class Use>
void for_runs(const Indices& sentence_of_row, const Use& use) {
  const std::size_t rows = sentence_of_row.size();
  for (std::size_t first = 0, end = 0; first < rows; first = end) {
    while (end < rows && sentence_of_row[end] == sentence_of_row[first]) ++end;
    use(static_cast<std::int64_t>(first), static_cast<std::int64_t>(end - first), sentence_of_row[first]);
  }
}

// e (R, S), of query (R, n)
void dot_with_sentences(const Indices& sentence_of_row, const Tensor& query, const Tensor& keys,
                        const Tensor& e) {
  const std::int64_t R = e.shape()[0], S = keys.shape()[0], B = keys.shape()[1], n = keys.shape()[2];
  if constexpr (kHasCuda)
    if (e.on_cuda())
      return cuda::dot_with_sentences({R, S, B, n, sentence_of_row.in(e.memory()), keys.data()}, query.data(),
                                      e.data());
  for_runs(sentence_of_row, [&](std::int64_t first, std::int64_t count, std::int64_t b) {
    gemm(count, S, n, {query.data() + first * n, n}, {keys.data() + b * n, B * n, true}, e.data() + first * S,
         S, false);
  });
}

// y (R, n), of weights (R, S)
void sum_of_sentences(const Indices& sentence_of_row, const Tensor& values, const Tensor& weights,
                      const Tensor& y) {
  const std::int64_t R = y.shape()[0], S = values.shape()[0], B = values.shape()[1], n = values.shape()[2];
  if constexpr (kHasCuda)
    if (y.on_cuda())
      return cuda::sum_of_sentences({R, S, B, n, sentence_of_row.in(y.memory()), values.data()},
                                    weights.data(), y.data());
  for_runs(sentence_of_row, [&](std::int64_t first, std::int64_t count, std::int64_t b) {
    gemm(count, n, S, {weights.data() + first * S, S}, {values.data() + b * n, B * n}, y.data() + first * n,
         n, false);
  });
}

// join_columns() and round: (`padded` rows, width), the last ones 0.
Bf16Block join_rounded(const std::vector<Tensor>& blocks, std::int64_t first, std::int64_t width,
                       std::int64_t padded) {
  const Bf16Block y(padded * width, blocks[0].memory());
  Bf16* to = y.data();
  for (const Tensor& block : blocks)
    for (std::int64_t i = 0; i < block.shape().rows(); ++i, to += width)
      round_to_bf16(width, block.data() + i * block.shape()[-1] + first, to);
  std::fill(to, y.data() + padded * width, Bf16{0});
  return y;
}

}  // namespace

void check_linear(Var x, const Shape& W) {
  check_rank("linear", "W", W, 2, 2);
  check_rank("linear", "x", x.shape(), 1);
  check_shape("linear", "x", x.shape(), x.shape().with_last(W[1]));
}

Tensor linear_forward(Var x, const Tensor& W) {
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  const Tensor y(x.shape().with_last(n), W.memory());
  gemm(y.memory(), x.shape().rows(), n, k, {x.value().data(), k}, {W.data(), k, true}, y.data(), n, false);
  return y;
}

void linear_input_gradient(Var x, const Tensor& W, const Tensor& dy) {
  if (!x.needs_gradient()) return;
  const std::int64_t n = W.shape()[0], k = W.shape()[1];
  const bool add = x.has_gradient();
  const Tensor dx = add ? x.gradient() : Tensor(x.shape(), W.memory());
  gemm(dx.memory(), x.shape().rows(), k, n, {dy.data(), n}, {W.data(), k}, dx.data(), k, add);
  if (!add) x.adopt_gradient(dx);
}

Var matmul(Var a, Var b, bool transpose_a, bool transpose_b) {
  check_rank("matmul", "a", a.shape(), 2, 2);
  check_rank("matmul", "b", b.shape(), 2, 2);
  const std::int64_t m = a.shape()[transpose_a ? 1 : 0], k = a.shape()[transpose_a ? 0 : 1];
  const std::int64_t n = b.shape()[transpose_b ? 0 : 1];
  check_shape("matmul", "b", b.shape(), transpose_b ? Shape{n, k} : Shape{k, n});
  const Tensor y({m, n}, a.value().memory());
  gemm(y.memory(), m, n, k, {a.value().data(), a.shape()[1], transpose_a},
       {b.value().data(), b.shape()[1], transpose_b}, y.data(), n, false);
  return a.tape->record("matmul", y, {a, b}, [=](const Tensor&, const Tensor& dy) {
    const Matrix d{dy.data(), n};
    const Matrix a_t{a.value().data(), a.shape()[1], !transpose_a},
        b_t{b.value().data(), b.shape()[1], !transpose_b};
    if (a.needs_gradient()) add_matrix_product(a.gradient(), transpose_a, m, k, n, d, b_t);
    if (b.needs_gradient()) add_matrix_product(b.gradient(), transpose_b, k, n, m, a_t, d);
  });
}

Var weighted_sum(Var weights, Var values, const Indices& sentence_of_row) {
  check_rank("weighted_sum", "values", values.shape(), 3, 3);
  const std::int64_t S = values.shape()[0], B = values.shape()[1], n = values.shape()[2];
  check_rank("weighted_sum", "weights", weights.shape(), 2, 2);
  const std::int64_t R = rows_of("weighted_sum", sentence_of_row, weights.value(), B,
                                 weights.needs_gradient() || values.needs_gradient());
  check_shape("weighted_sum", "weights", weights.shape(), {R, S});
  Memory& memory = values.value().memory();
  const Tensor y({R, n}, memory);
  const Matrix w{weights.value().data(), S}, v{values.value().data(), B * n};  // of the first sentence
  if (sentence_of_row.empty())
    gemm_batched(memory, R, 1, n, S, w, S, v, n, y.data(), n, n, false);
  else
    sum_of_sentences(sentence_of_row, values.value(), weights.value(), y);
  return weights.tape->record("weighted_sum", y, {weights, values},
                              [=, &memory](const Tensor&, const Tensor& dy) {
                                const Matrix d{dy.data(), n};
                                if (weights.needs_gradient())
                                  gemm_batched(memory, R, 1, S, n, d, n, {v.data, v.stride, true}, n,
                                               weights.gradient().data(), S, S, true);
                                if (values.needs_gradient())
                                  gemm_batched(memory, R, S, n, 1, {w.data, w.stride, true}, S, d, n,
                                               values.gradient().data(), B * n, n, true);
                              });
}

Var dot_scores(Var query, Var keys, const Indices& sentence_of_row) {
  check_rank("dot_scores", "keys", keys.shape(), 3, 3);
  const std::int64_t S = keys.shape()[0], B = keys.shape()[1], n = keys.shape()[2];
  check_rank("dot_scores", "query", query.shape(), 2, 2);
  const std::int64_t R = rows_of("dot_scores", sentence_of_row, query.value(), B,
                                 query.needs_gradient() || keys.needs_gradient());
  check_shape("dot_scores", "query", query.shape(), {R, n});
  Memory& memory = keys.value().memory();
  const Tensor e({R, S}, memory);
  const Matrix q{query.value().data(), n}, k{keys.value().data(), B * n};  // of the first sentence
  if (sentence_of_row.empty())
    gemm_batched(memory, R, 1, S, n, q, n, {k.data, k.stride, true}, n, e.data(), S, S, false);
  else
    dot_with_sentences(sentence_of_row, query.value(), keys.value(), e);
  return query.tape->record("dot_scores", e, {query, keys}, [=, &memory](const Tensor&, const Tensor& de) {
    const Matrix d{de.data(), S};
    if (query.needs_gradient())
      gemm_batched(memory, R, 1, n, S, d, S, k, n, query.gradient().data(), n, n, true);
    if (keys.needs_gradient())
      gemm_batched(memory, R, S, n, 1, {d.data, d.stride, true}, S, q, n, keys.gradient().data(), B * n, n,
                   true);
  });
}

Var linear(Var x, Var W) {
  check_linear(x, W.shape());
  return x.tape->record("linear", linear_forward(x, W.value()), {x, W},
                        [x, W](const Tensor&, const Tensor& dy) {
                          linear_input_gradient(x, W.value(), dy);
                          linear_weight_gradient(x, W, dy);
                        });
}

Var linear(Var x, Var W, Var bias) {
  check_linear(x, W.shape());
  check_shape("linear", "bias", bias.shape(), {W.shape()[0]});
  const Tensor y = linear_forward(x, W.value());
  add_to_rows(bias.value(), y);
  return x.tape->record("linear", y, {x, W, bias}, [x, W, bias](const Tensor&, const Tensor& dy) {
    linear_input_gradient(x, W.value(), dy);
    linear_weight_gradient(x, W, dy);
    if (bias.needs_gradient()) add_sum_of_rows(dy, bias.gradient());
  });
}

StepWeight::StepWeight(Var W) : W_(W) {
  if (!W.needs_gradient()) return;
  W.tape->on_backward({W}, [W, pending = pending_] {
    for (const StepRows& rows : *pending) add_weight_gradient(W, rows);
    pending->clear();
  });
}

void StepWeight::add_step(const Tensor& x, const Tensor& dy, std::int64_t first, std::int64_t count) const {
  check_shape("StepWeight", "dy", dy.shape(), x.shape().with_last(W_.shape()[0]));
  if (!W_.needs_gradient()) return;
  auto rows = std::find_if(pending_->begin(), pending_->end(), [&](const StepRows& r) {
    return r.first == first && r.count == count && (!x.on_cuda() || r.x[0].shape() == x.shape());
  });
  if (rows == pending_->end()) rows = pending_->insert(rows, StepRows{first, count, {}, {}});
  rows->x.push_back(x);
  rows->dy.push_back(dy);
}

// Concatenates the rows of all steps for a single product.
void StepWeight::add_weight_gradient(Var W, const StepRows& rows) {
  const std::int64_t k = W.shape()[1];
  if (W.value().memory().on_host() && Bf16Products::round_here()) {
    std::int64_t steps = 0;
    for (const Tensor& x : rows.x) steps += x.shape().rows();
    const std::int64_t padded = Bf16Products::padded(steps);
    const Bf16Block x = join_rounded(rows.x, 0, k, padded),
                    dy = join_rounded(rows.dy, rows.first, rows.count, padded);
    return Bf16Products::multiply(rows.count, k, padded, dy.data(), true, x.data(), false,
                                  W.gradient().data() + rows.first * k, k, true);
  }
  const Tensor x = join_columns(rows.x, 0, k), dy = join_columns(rows.dy, rows.first, rows.count);
  gemm(x.memory(), rows.count, k, x.shape()[0], {dy.data(), rows.count, true}, {x.data(), k},
       W.gradient().data() + rows.first * k, k, true);
}

Var linear(Var x, const StepWeight& W) {
  check_linear(x, W.value().shape());
  return x.tape->record("linear", linear_forward(x, W.value()), {x, W.var()},
                        [x, W](const Tensor&, const Tensor& dy) {
                          linear_input_gradient(x, W.value(), dy);
                          W.add_step(x.value(), dy, 0, dy.shape()[-1]);
                        });
}

}  // namespace mininmt
