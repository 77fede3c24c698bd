// The gated recurrent unit in the paper's form (MODEL.md 1; P A.2.1): the reset gate acts before the product
// with U, and z weighs the new candidate.
//   z  = sigmoid(x_z + U_z h)
//   r  = sigmoid(x_r + U_r h)
//   h~ = tanh(x_h + U [r * h])
//   h' = (1 - z) * h + z * h~
// x = [x_z, x_r, x_h] is the part that does not depend on h (3n wide), U = [U_z; U_r; U] is (3n, n).
//
// The gradient, from dh' and the stored z, r, h~:
//   dx_h = dh' z (1 - h~^2)          q = dx_h U, the gradient of r * h
//   dx_z = dh' (h~ - h) z (1 - z)    dx_r = q h r (1 - r)
//   dh   = dh' (1 - z) + q r + [dx_z, dx_r] [U_z; U_r]
//   dU_z += dx_z^T h, dU_r += dx_r^T h, dU += dx_h^T (r * h), each one product over all steps
#pragma once

#include "ops/matmul.h"
#include "tensor/ids.h"

namespace mininmt {

enum class Direction { kForward, kBackward };

// A whole sequence from h = 0: x (S, B, 3n), U (3n, n), lengths (B) -> h (S, B, n). The backward direction
// starts at each sentence's last word. Padded positions carry the state through unchanged.
Var gru_sequence(Var x, Var U, const Indices& lengths, Direction direction);

// Both directions, each with its own x and U.
struct Bigru {
  Var forward, backward;  // h (S, B, n)
};
Bigru bigru(Var x_forward, Var U_forward, Var x_backward, Var U_backward, const Indices& lengths);

// Throws Error unless x, U and lengths fit gru_sequence.
void check_gru(const char* op, Var x, Var U, const Indices& lengths);

// One step: x (B, 3n), h (B, n), U (3n, n) -> h' (B, n).
Var gru_step(Var x, Var h, const StepWeight& U);

// The decoder's step, with a third term (MODEL.md 3): x + C c instead of x. c (B, k), C (3n, k).
//   dc += dx C        dC += dx^T c
Var gru_step(Var x, Var h, const StepWeight& U, Var c, const StepWeight& C);

}  // namespace mininmt
