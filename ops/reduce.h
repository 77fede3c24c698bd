// Sums.
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y = sum of all elements of x, a scalar.            dx += dy
Var sum(Var x);

// y (n) = sum of the rows of x (..., n).             each row of dx += dy
Var sum_rows(Var x);

// y = mean of all elements of x, a scalar.           dx += dy / size of x
Var mean(Var x);

}  // namespace mininmt
