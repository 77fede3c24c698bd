#include "ops/logits.h"

#include <algorithm>
#include <limits>

#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {

MININMT_VECTORIZED void set_probabilities(std::int64_t words, real weight, real log_sum, real* x) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) x[k] = weight * mininmt::exp(x[k] - log_sum);
}

MININMT_VECTORIZED void add_probabilities(std::int64_t words, real weight, real log_sum, const real* x,
                                          real* y) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) y[k] += weight * mininmt::exp(x[k] - log_sum);
}

MININMT_VECTORIZED void set_logits(std::int64_t words, const real* a, const real* b, bool bar_eos, real* y) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) y[k] = a[k] + b[k];
  if (bar_eos) y[kEos] = -std::numeric_limits<real>::infinity();
}

MININMT_VECTORIZED void set_logarithms(std::int64_t words, real* x) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) x[k] = mininmt::log(x[k]);
}

real set_exponentials(std::int64_t words, const real* x, bool bar_eos, real* y) {
  const std::int64_t first = bar_eos ? 1 : 0;  // </s> is word 0
  static_assert(kEos == 0);
  const real most = *std::max_element(x + first, x + words);
  std::copy(x, x + words, y);
  set_probabilities(words, 1, most, y);
  if (bar_eos) y[kEos] = 0;
  return most;
}

MININMT_VECTORIZED void subtract_product(std::int64_t words, const real* a, const real* b, real* y) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) y[k] -= a[k] * b[k];
}

MININMT_VECTORIZED void set_shifted_logarithms(std::int64_t words, const real* sums, const real* x,
                                               real shift, real* y) {
#pragma omp simd
  for (std::int64_t k = 0; k < words; ++k) y[k] = mininmt::log(sums[k]) + (x[k] - shift);
}

}  // namespace mininmt
