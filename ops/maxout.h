// The maxout layer of the readout (MODEL.md 4).
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y_i = max(x_2i, x_2i+1): x (..., 2l) -> y (..., l).
//   dx at the larger of the two += dy_i; at the first of two equal ones
Var maxout(Var x);

}  // namespace mininmt
