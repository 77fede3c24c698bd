// Positions as sines and cosines (MODEL.md 9.9; Vaswani et al. 2017, 3.5).
#pragma once

#include "autograd/tape.h"

namespace mininmt {

// y_tb = factor x_tb + PE(first + t), PE(p)_2i = sin(p / 10000^(2i/d)), PE(p)_2i+1 = cos of the same:
// x (T, B, d) -> y (T, B, d), d even.
//   dx += factor dy
Var add_positions(Var x, real factor, std::int64_t first = 0);

}  // namespace mininmt
