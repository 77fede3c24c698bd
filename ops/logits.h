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

}  // namespace mininmt
