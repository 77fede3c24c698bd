// Random orthogonal matrices (MODEL.md 6; P B.1).
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt {

// Makes the n x n matrix at `data` random orthogonal, from the random numbers of (seed, stream).
void random_orthogonal(std::int64_t n, real* data, std::uint64_t seed, std::uint64_t stream);

}  // namespace mininmt
