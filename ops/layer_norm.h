// Layer normalization (Ba, Kiros, Hinton 2016; MODEL.md 9.9).
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y_r = gain * x^_r + bias, x^_r = (x_r - mean) / s with s = sqrt(var + 1e-6), mean and variance (the square
// deviations divided by n) of each row: x (..., n), gain (n), bias (n) -> y (..., n).
//   with d = dy_r * gain: dx_r += (d - mean d - x^_r mean(d * x^_r)) / s
//   dgain += sum_r dy_r * x^_r        dbias += sum_r dy_r
Var layer_norm(Var x, Var gain, Var bias);

}  // namespace mininmt
