// Location addressing of the Neural Turing Machine (MODEL.md 9.6; Graves, Wayne, Danihelka 2014, 3.3.2): from
// the weights w that the content gives and the weights of the step before, over the S_r positions of a row's
// sentence, with a gate g, a distribution r over the shifts -1, 0, +1, and gamma
//   v_j = g w_j + (1 - g) before_j        u_j = r_-1 v_{j+1} + r_0 v_j + r_+1 v_{j-1}, circular
//   y_j = softmax over j of z_j = gamma log(u_j + 1e-20), i.e. u_j^gamma over its sum
// Shift +1 moves weight to the next position. y is exactly 0 at padding.
// The gradient, from dy:
//   dz_j = y_j (dy_j - sum_k y_k dy_k)        du_j = dz_j gamma / (u_j + 1e-20)
//   dv_j = r_-1 du_{j-1} + r_0 du_j + r_+1 du_{j+1}
//   dgamma += sum_j dz_j log(u_j + 1e-20)        dr_o += sum_j du_j v_{j-o}
//   dg += sum_j dv_j (w_j - before_j)        dw_j += g dv_j        dbefore_j += (1 - g) dv_j
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

struct Addressing {
  Var g;      // (R, 1)
  Var r;      // (R, 3), for the shifts -1, 0, +1
  Var gamma;  // (R, 1)
};

// w, before (R, S), lengths (R) -> y (R, S).
Var address(Var w, Var before, const Addressing& by, const Indices& lengths);

}  // namespace mininmt
