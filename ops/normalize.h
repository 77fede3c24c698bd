// Rows of a given length.
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y_r = a_r x_r / |x_r|, where |x_r| is at least 1e-8: x (..., n), a (..., 1) or none for 1 -> y (..., n).
// The product of two such rows is their cosine, times their a.
//   with u = x_r / |x_r|: dx_r += a_r (dy_r - (u . dy_r) u) / |x_r|        da_r += u . dy_r
//   where |x_r| is less than 1e-8: dx_r += a_r dy_r / 1e-8
Var normalize(Var x);
Var normalize(Var x, Var a);

}  // namespace mininmt
