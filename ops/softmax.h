// Softmax of rows, over the first entries of each.
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// y_rj = e^(x_rj) / sum_k e^(x_rk) over the positions j, k < length_r; exactly 0 at the others, whatever x
// holds there: x (R, S), lengths (R) or none for whole rows -> y (R, S).
//   dx_rj += y_rj (dy_rj - sum_k y_rk dy_rk), from the output; nothing at the others
// Attention weights (MODEL.md 2) are the softmax of the scores; `weighted_sum` (ops/matmul.h) makes the
// context of them.
Var softmax(Var x, const Indices& lengths = {});

// The same for one row on the host; y may be x.
void softmax_row(std::int64_t size, const real* x, real* y);

}  // namespace mininmt
