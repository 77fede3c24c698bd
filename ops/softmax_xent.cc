#include "ops/softmax_xent.h"

#include <cmath>
#include <limits>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

// Explicit lanes: Clang doesn't vectorize the plain loop, since NaN makes the order matter.
MININMT_VECTORIZED real largest(std::int64_t size, const real* x) {
  constexpr int kLanes = 16;
  real most[kLanes];
  for (real& lane : most) lane = -std::numeric_limits<real>::infinity();
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane)
      most[lane] = x[i + lane] > most[lane] ? x[i + lane] : most[lane];
  for (; i < size; ++i) most[0] = x[i] > most[0] ? x[i] : most[0];
  for (real lane : most) most[0] = lane > most[0] ? lane : most[0];
  return most[0];
}

MININMT_VECTORIZED real sum_exp(std::int64_t size, const real* x, real shift) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < size; ++i) sum += mininmt::exp(x[i] - shift);
  return sum;
}

MININMT_VECTORIZED real sum_of(std::int64_t size, const real* x) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < size; ++i) sum += x[i];
  return sum;
}

// dx += factor (p - uniform), p = e^(x - log_sum)
MININMT_VECTORIZED void add_xent_gradient(std::int64_t size, real factor, real uniform, real log_sum,
                                          const real* x, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) dx[i] += factor * (mininmt::exp(x[i] - log_sum) - uniform);
}

struct TargetRows {
  std::int64_t count, words;
  Indices targets;
  real smoothing;
};

void set_losses(const TargetRows& rows, const Tensor& logits, const Tensor& loss, const Tensor& log_sum) {
  if constexpr (kHasCuda)
    if (logits.on_cuda())
      return cuda::softmax_xent(rows.count, rows.words, logits.data(), nullptr,
                                rows.targets.in(logits.memory()), rows.smoothing, loss.data(),
                                log_sum.data());
  const real eps = rows.smoothing, uniform = eps / static_cast<real>(rows.words);
  parallel_for(rows.count, 8 * rows.words, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      loss.data()[i] = 0;
      if (rows.targets[i] == kNone) continue;
      const real* const x = logits.data() + i * rows.words;
      const real sum = log_sum_exp(rows.words, x);
      log_sum.data()[i] = sum;
      loss.data()[i] = (1 - eps) * (sum - x[rows.targets[i]]);
      if (eps > 0) loss.data()[i] += eps * sum - uniform * sum_of(rows.words, x);
    }
  });
}

void add_gradients(const TargetRows& rows, const Tensor& logits, const Tensor& log_sum, const Tensor& dloss,
                   const Tensor& dlogits) {
  if constexpr (kHasCuda)
    if (logits.on_cuda())
      return cuda::softmax_xent_gradient(rows.count, rows.words, logits.data(), nullptr,
                                         rows.targets.in(logits.memory()), rows.smoothing, log_sum.data(),
                                         dloss.data(), dlogits.data(), true);
  const real eps = rows.smoothing, uniform = eps / static_cast<real>(rows.words);
  parallel_for(rows.count, 8 * rows.words, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (rows.targets[i] == kNone) continue;
      const real factor = dloss.data()[i];
      real* const dx = dlogits.data() + i * rows.words;
      add_xent_gradient(rows.words, factor, uniform, log_sum.data()[i], logits.data() + i * rows.words, dx);
      dx[rows.targets[i]] -= factor * (1 - eps);
    }
  });
}

}  // namespace

real log_sum_exp(std::int64_t size, const real* x) {
  const real shift = largest(size, x);
  return shift + std::log(sum_exp(size, x, shift));
}

void check_targets(const Indices& targets, std::int64_t rows, std::int64_t words, double label_smoothing) {
  check_shape("softmax_xent", "targets", {static_cast<std::int64_t>(targets.size())}, {rows});
  for (Id target : targets)
    if (target != kNone && (target < 0 || target >= words))
      throw Error(join("[softmax_xent] (targets) word ", target, " is outside of (logits) ",
                       Shape{rows, words}.to_string()));
  if (!(label_smoothing >= 0 && label_smoothing < 1))
    throw Error(join("[softmax_xent] (label_smoothing) must be in [0, 1) but is ", label_smoothing));
}

Var softmax_xent(Var logits, const Indices& targets, double label_smoothing) {
  check_rank("softmax_xent", "logits", logits.shape(), 2, 2);
  const TargetRows rows{logits.shape()[0], logits.shape()[1], targets, static_cast<real>(label_smoothing)};
  check_targets(targets, rows.count, rows.words, label_smoothing);
  Memory& memory = logits.value().memory();
  const Tensor loss({rows.count}, memory), log_sum({rows.count}, memory);
  set_losses(rows, logits.value(), loss, log_sum);
  return logits.tape->record("softmax_xent", loss, {logits},
                             [logits, rows, log_sum](const Tensor&, const Tensor& dloss) {
                               add_gradients(rows, logits.value(), log_sum, dloss, logits.gradient());
                             });
}

}  // namespace mininmt
