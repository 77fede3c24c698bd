// The long short-term memory with peepholes (MODEL.md 9.8; Graves 2013, equations 7 to 11).
//   i  = sigmoid(x_i + U_i h + p_i * c)        f  = sigmoid(x_f + U_f h + p_f * c)
//   g  = tanh(x_c + U_c h)                     c' = f * c + i * g
//   o  = sigmoid(x_o + U_o h + p_o * c')       h' = o * tanh(c')
// x = [x_i, x_f, x_c, x_o] is the part that does not depend on the state (4n wide), U = [U_i; U_f; U_c; U_o]
// is (4n, n), p = [p_i, p_f, p_o] is (3n).
//
// The gradient, from dh', dc' and the stored i, f, g, o:
//   dx_o = dh' tanh(c') o (1 - o)        d    = dc' + dh' o (1 - tanh(c')^2) + dx_o p_o
//   dx_i = d g i (1 - i)                 dx_f = d c f (1 - f)          dx_c = d i (1 - g^2)
//   dc   = d f + dx_i p_i + dx_f p_f     dh   = dx U
//   dp_i += dx_i c, dp_f += dx_f c, dp_o += dx_o c', summed over all steps
//   dU += dx^T h, one product over all steps
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

struct LstmState {
  Var h, c;  // (B, n) each
};

struct LstmStates {
  Var h;           // (T, B, n), after each step
  LstmState last;  // after the last one
};

// T steps from the state `start`: x (T, B, 4n), U (4n, n), p (3n), lengths (B); none: all T. After the end of
// a sentence h and c stay as they are.
LstmStates lstm(Var x, const LstmState& start, Var U, Var p, const Indices& lengths = {});

}  // namespace mininmt
