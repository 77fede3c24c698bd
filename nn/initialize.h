// Initial values of the parameters (MODEL.md 6; P B.1).
#pragma once

#include "autograd/parameter.h"

namespace mininmt {

// Each recurrent U random orthogonal (the left singular vectors of a Gaussian matrix); attention.W_a,
// attention.U_a from N(0, 0.001^2); attention.v_a and all biases 0; everything else N(0, 0.01^2). A function
// of the seed and of each part's name alone.
void initialize(Parameters& parameters, std::uint64_t seed);

// Makes the n x n matrix at `data` random orthogonal.
void random_orthogonal(std::int64_t n, real* data, std::uint64_t seed, std::uint64_t stream);

}  // namespace mininmt
