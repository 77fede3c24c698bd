#include <algorithm>
#include <cmath>
#include <limits>

#include "cuda/kernels.h"
#include "ops/bf16_products.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/matmul.h"
#include "ops/output.h"
#include "ops/rows.h"
#include "ops/softmax_xent.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

// What passes over a row of logits find, each in a few lanes: Clang doesn't vectorize the plain loop of the
// largest, since NaN makes the order matter.
constexpr int kLanes = 16;

struct RowFacts {
  real largest, sum;
};

// x += bias
MININMT_VECTORIZED RowFacts add_bias(std::int64_t size, const real* bias, real* x) {
  real most[kLanes], sum[kLanes] = {};
  for (real& lane : most) lane = -std::numeric_limits<real>::infinity();
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) {
      const real logit = x[i + lane] += bias[i + lane];
      most[lane] = logit > most[lane] ? logit : most[lane];
      sum[lane] += logit;
    }
  for (; i < size; ++i) {
    const real logit = x[i] += bias[i];
    most[0] = logit > most[0] ? logit : most[0];
    sum[0] += logit;
  }
  for (int lane = 1; lane < kLanes; ++lane) {
    most[0] = most[lane] > most[0] ? most[lane] : most[0];
    sum[0] += sum[lane];
  }
  return {most[0], sum[0]};
}

// x = e^(x - shift); their sum
MININMT_VECTORIZED real exponentiate(std::int64_t size, real shift, real* x) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < size; ++i) sum += x[i] = mininmt::exp(x[i] - shift);
  return sum;
}

// x = factor x + shift
MININMT_VECTORIZED void scale(std::int64_t size, real factor, real shift, real* x) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) x[i] = factor * x[i] + shift;
}

// A row W_o t, with target y, becomes d loss / d logits, with q = label_smoothing / V:
//   loss = -(1 - label_smoothing) log p_y - q sum_w log p_w,  p_w - q - (1 - label_smoothing) [w = y]
// rounded: where to write it instead, unless null.
real to_gradient(std::int64_t words, const real* bias, Id target, real smoothing, real* x, Bf16* rounded) {
  if (target == kNone) {
    if (rounded)
      std::fill(rounded, rounded + words, Bf16{0});
    else
      std::fill(x, x + words, real{0});
    return 0;
  }
  const real uniform = smoothing / static_cast<real>(words);
  const RowFacts row = add_bias(words, bias, x);
  const real logit = x[target], sum = exponentiate(words, row.largest, x),
             log_sum = row.largest + std::log(sum), of_target = x[target] / sum - uniform - (1 - smoothing);
  if (rounded) {
    scale_to_bf16(words, 1 / sum, x, -uniform, rounded);
    round_to_bf16(1, &of_target, rounded + target);
  } else {
    scale(words, 1 / sum, -uniform, x);
    x[target] = of_target;
  }
  real loss = (1 - smoothing) * (log_sum - logit);
  if (smoothing > 0) loss += smoothing * log_sum - uniform * row.sum;
  return loss;
}

// y_i = factors_i x_i, for each row
void scale_rows(const Tensor& factors, const Tensor& x, const Tensor& y) {
  const std::int64_t n = x.shape()[1];
  for (std::int64_t i = 0; i < x.shape()[0]; ++i)
    for (std::int64_t j = 0; j < n; ++j) y.data()[i * n + j] = factors.data()[i] * x.data()[i * n + j];
}

// G (N, V), rounded where its products round it anyway: then it takes half the memory, and logits stay in the
// cache, computed for few rows at a time.
class LogitGradients {
 public:
  LogitGradients(std::int64_t rows, std::int64_t words, Memory& memory)
      : rows_(rows), words_(words), rounded_(Bf16Products::round_here()) {
    constexpr std::int64_t kRowsAtOnce = 32;
    if (rounded_) {
      rows_at_once_ = std::min(rows, kRowsAtOnce);
      bf16_ = Bf16Block(rows * words, memory);
    } else {
      rows_at_once_ = rows;
    }
    logits_ = Tensor({rows_at_once_, words}, memory);
  }

  std::int64_t rows_at_once() const { return rows_at_once_; }
  real* row(std::int64_t i) const { return logits_.data() + i % rows_at_once_ * words_; }
  // Row i where the rounded ones are kept; null: they are not rounded.
  Bf16* rounded_row(std::int64_t i) const { return rounded_ ? bf16_.data() + i * words_ : nullptr; }

  // Once all rows are rounded.
  void drop_logits() {
    if (rounded_) logits_ = {};
  }

  // y (V) += G^T factors
  void add_weighted_rows(const Tensor& factors, const Tensor& y) const {
    parallel_for(words_, rows_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < rows_; ++i) {
        const real factor = factors.data()[i];
        if (rounded_)
          add_scaled(end - begin, factor, bf16_.data() + i * words_ + begin, y.data() + begin);
        else
          add_scaled(end - begin, factor, row(i) + begin, y.data() + begin);
      }
    });
  }

  // y (N, n) = G B, B (V, n)
  void multiply(const Tensor& B, const Tensor& y) const { product(rows_, words_, false, B, y, false); }

  // y (V, n) += G^T x, x (N, n)
  void add_product_of_transposed(const Tensor& x, const Tensor& y) const {
    product(words_, rows_, true, x, y, true);
  }

 private:
  void product(std::int64_t m, std::int64_t k, bool transposed, const Tensor& B, const Tensor& y,
               bool add) const {
    const std::int64_t n = B.shape()[1];
    if (rounded_)
      Bf16Products::multiply(m, n, k, bf16_.data(), transposed, {B.data(), n}, y.data(), n, add);
    else
      gemm(m, n, k, {logits_.data(), words_, transposed}, {B.data(), n}, y.data(), n, add);
  }

  std::int64_t rows_, words_, rows_at_once_;
  bool rounded_;
  Tensor logits_;
  Bf16Block bf16_;
};

// The logits become their gradient at once, while a row is in the cache; backward scales by dloss what is
// smaller, the rows of t and of its gradient:
//   G (N, V) = d loss / d logits;  dt = diag(dloss) (G W),  dW = G^T (diag(dloss) t),  db = G^T dloss
Var output_losses_on_cpu(Var t, Var W, Var bias, const Indices& targets, double label_smoothing) {
  Memory& memory = t.value().memory();
  const std::int64_t rows = t.shape()[0], l = t.shape()[1], words = W.shape()[0];
  const Tensor loss({rows}, memory);
  LogitGradients G(rows, words, memory);
  for (std::int64_t first = 0; first < rows; first += G.rows_at_once()) {
    const std::int64_t count = std::min(G.rows_at_once(), rows - first);
    gemm(count, words, l, {t.value().data() + first * l, l}, {W.value().data(), l, true}, G.row(first), words,
         false);
    parallel_for(count, 8 * words, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = first + begin; i < first + end; ++i)
        loss.data()[i] = to_gradient(words, bias.value().data(), targets[i],
                                     static_cast<real>(label_smoothing), G.row(i), G.rounded_row(i));
    });
  }
  G.drop_logits();
  return t.tape->record("output_losses", loss, {t, W, bias},
                        [=, &memory](const Tensor&, const Tensor& dloss) {
                          const Tensor scaled(t.shape(), memory);
                          if (bias.needs_gradient()) G.add_weighted_rows(dloss, bias.gradient());
                          if (W.needs_gradient()) {
                            scale_rows(dloss, t.value(), scaled);
                            G.add_product_of_transposed(scaled, W.gradient());
                          }
                          if (t.needs_gradient()) {
                            G.multiply(W.value(), scaled);
                            scale_rows(dloss, scaled, scaled);
                            add_gradient(t, scaled);
                          }
                        });
}

Var output_losses_on_cuda(Var t, Var W, Var bias, const Indices& targets, double smoothing) {
  if constexpr (!kHasCuda) {
    return t;
  } else {
    const Tensor logits = linear_forward(t, W.value());
    Memory& memory = logits.memory();
    const std::int64_t rows = t.shape()[0], l = t.shape()[1], words = W.shape()[0];
    const Tensor loss({rows}, memory), log_sum({rows}, memory);
    cuda::softmax_xent(rows, words, logits.data(), bias.value().data(), targets.in(memory), smoothing,
                       loss.data(), log_sum.data());
    return t.tape->record(
        "output_losses", loss, {t, W, bias}, [=, &memory](const Tensor&, const Tensor& dloss) {
          const Tensor& dlogits = logits;  // the logits are not read afterwards
          cuda::softmax_xent_gradient(rows, words, logits.data(), bias.value().data(), targets.in(memory),
                                      smoothing, log_sum.data(), dloss.data(), dlogits.data(), false);
          if (bias.needs_gradient()) add_sum_of_rows(dlogits, bias.gradient());
          if (W.needs_gradient())
            gemm(memory, words, l, rows, {dlogits.data(), words, true}, {t.value().data(), l},
                 W.gradient().data(), l, true);
          linear_input_gradient(t, W.value(), dlogits);
        });
  }
}

}  // namespace

Var output_losses(Var t, Var W, Var bias, const Indices& targets, double label_smoothing) {
  check_linear(t, W.shape());
  check_rank("output_losses", "t", t.shape(), 2, 2);
  check_shape("output_losses", "bias", bias.shape(), {W.shape()[0]});
  check_targets(targets, t.shape()[0], W.shape()[0], label_smoothing);
  return kHasCuda && t.value().on_cuda() ? output_losses_on_cuda(t, W, bias, targets, label_smoothing)
                                         : output_losses_on_cpu(t, W, bias, targets, label_smoothing);
}

}  // namespace mininmt
