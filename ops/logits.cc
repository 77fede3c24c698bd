#include "ops/logits.h"

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

}  // namespace mininmt
