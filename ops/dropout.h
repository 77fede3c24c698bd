// Dropout (Srivastava et al. 2014), scaled in training so that inference needs no change.
#pragma once

#include "autograd/tape.h"
#include "tensor/random.h"

namespace mininmt {

// y_i = x_i / (1 - p) if number i of `draws` keeps it, with probability 1 - p, else 0; 0 <= p < 1.
//   dx_i += dy_i / (1 - p) where kept; on the GPU the mask is recomputed, not stored
Var dropout(Var x, double p, const Draws& draws);

}  // namespace mininmt
