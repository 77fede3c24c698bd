#include "ops/softmax_xent.h"

#include <cmath>
#include <limits>

#include "ops/check.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED real largest(std::int64_t size, const real* x) {
  real most = -std::numeric_limits<real>::infinity();
#pragma omp simd reduction(max : most)
  for (std::int64_t i = 0; i < size; ++i) most = x[i] > most ? x[i] : most;
  return most;
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
MININMT_VECTORIZED void add_gradient(std::int64_t size, real factor, real uniform, real log_sum,
                                     const real* x, real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) dx[i] += factor * (mininmt::exp(x[i] - log_sum) - uniform);
}

}  // namespace

real log_sum_exp(std::int64_t size, const real* x) {
  const real shift = largest(size, x);
  return shift + std::log(sum_exp(size, x, shift));
}

Var softmax_xent(Var logits, const std::vector<Id>& targets, double label_smoothing) {
  check_rank("softmax_xent", "logits", logits.shape(), 2, 2);
  const std::int64_t rows = logits.shape()[0], words = logits.shape()[1];
  check_shape("softmax_xent", "targets", {static_cast<std::int64_t>(targets.size())}, {rows});
  for (Id target : targets)
    if (target != kNone && (target < 0 || target >= words))
      throw Error(join("[softmax_xent] (targets) word ", target, " is outside of (logits) ",
                       logits.shape().to_string()));
  if (!(label_smoothing >= 0 && label_smoothing < 1))
    throw Error(join("[softmax_xent] (label_smoothing) must be in [0, 1) but is ", label_smoothing));

  const real eps = static_cast<real>(label_smoothing), uniform = eps / static_cast<real>(words);
  const Tensor loss = Tensor::zeros({rows}), log_sum({rows});
  parallel_for(rows, 8 * words, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (targets[i] == kNone) continue;
      const real* const x = logits.value().data() + i * words;
      const real sum = log_sum_exp(words, x);
      log_sum.data()[i] = sum;
      loss.data()[i] = (1 - eps) * (sum - x[targets[i]]);
      if (eps > 0) loss.data()[i] += eps * sum - uniform * sum_of(words, x);
    }
  });
  return logits.tape->record(loss, {logits}, [=](const Tensor&, const Tensor& dloss) {
    real* const dlogits = logits.gradient().data();
    parallel_for(rows, 8 * words, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (targets[i] == kNone) continue;
        const real factor = dloss.data()[i];
        real* const dx = dlogits + i * words;
        add_gradient(words, factor, uniform, log_sum.data()[i], logits.value().data() + i * words, dx);
        dx[targets[i]] -= factor * (1 - eps);
      }
    });
  });
}

}  // namespace mininmt
