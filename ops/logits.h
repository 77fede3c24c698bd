// Loops over a row of logits on the host, shared by the joints.
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt {

// x = weight e^(x - log_sum)
void set_probabilities(std::int64_t words, real weight, real log_sum, real* x);

// y += weight e^(x - log_sum)
void add_probabilities(std::int64_t words, real weight, real log_sum, const real* x, real* y);

// y = a + b, but -infinity at </s> if that is barred.
void set_logits(std::int64_t words, const real* a, const real* b, bool bar_eos, real* y);

// x = log x
void set_logarithms(std::int64_t words, real* x);

// y = e^(x - the largest), which is returned. Barred: </s> is 0 and left out.
real set_exponentials(std::int64_t words, const real* x, bool bar_eos, real* y);

// y -= a * b
void subtract_product(std::int64_t words, const real* a, const real* b, real* y);

// y = log sums + x - shift
void set_shifted_logarithms(std::int64_t words, const real* sums, const real* x, real shift, real* y);

}  // namespace mininmt
