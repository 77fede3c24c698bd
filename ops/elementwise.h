// Elementwise operations.
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y = a + b: b has a's shape, or is a bias (n) added to each row of a (..., n).
//   da += dy        db += dy, summed over the rows if b is a bias
Var add(Var a, Var b);

// y = a * b, elementwise, of the same shape.          da += dy * b        db += dy * a
Var multiply(Var a, Var b);

// y = factor * x                                      dx += factor * dy
Var scale(Var x, real factor);

// y = tanh x                                          dx += dy (1 - y^2), from the output
Var tanh(Var x);

// y = 1 / (1 + e^-x)                                  dx += dy y (1 - y), from the output
Var sigmoid(Var x);

// y = log(1 + e^x)                                    dx += dy / (1 + e^-x), from the input
Var softplus(Var x);

// y = max(0, x)                                       dx += dy where y > 0
Var relu(Var x);

}  // namespace mininmt
