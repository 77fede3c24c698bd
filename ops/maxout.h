// The maxout layer of the readout (MODEL.md 4).
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y_i = max(x_2i, x_2i+1): x (..., 2l) -> y (..., l).
//   dx += dy_i at the larger of the two; at the first if they are equal
Var maxout(Var x);

}  // namespace mininmt
