// Small loops over the rows of a matrix that several operations share.
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt {

// y (n) += x (n)
void add_to(std::int64_t n, const real* x, real* y);

// y (n) += factor x (n)
void add_scaled(std::int64_t n, real factor, const real* x, real* y);

// Each row of y (rows, n) += x (n)
void add_to_rows(std::int64_t rows, std::int64_t n, const real* x, real* y);

// y (n) += the rows of x (rows, n), in their order
void add_sum_of_rows(std::int64_t rows, std::int64_t n, const real* x, real* y);

}  // namespace mininmt
