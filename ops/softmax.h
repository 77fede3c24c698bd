// Softmax over the first entries of each row.
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// y_rj = e^(x_rj) / sum_k e^(x_rk) over the positions j, k < length_r; exactly 0 elsewhere, for any x there:
// x (R, S), lengths (R) or none for whole rows -> y (R, S).
//   dx_rj += y_rj (dy_rj - sum_k y_rk dy_rk), from the output; unchanged elsewhere
// Attention weights (MODEL.md 2) are the softmax of the scores; `weighted_sum` gives the context.
Var softmax(Var x, const Indices& lengths = {});

// One row on the host; y may be x.
void softmax_row(std::int64_t size, const real* x, real* y);

}  // namespace mininmt
