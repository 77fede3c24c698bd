// Dropout (Srivastava et al. 2014), scaled while training so that nothing changes in use.
#pragma once

#include "autograd/tape.h"
#include "tensor/random.h"

namespace mininmt {

// y_i = x_i / (1 - p) where number i of `draws` keeps it, which has probability 1 - p, else 0; 0 <= p < 1.
//   dx_i += dy_i / (1 - p) where kept; the mask is computed again, not stored
Var dropout(Var x, double p, const Draws& draws);

}  // namespace mininmt
