// The transducer's lattice (MODEL.md 9.3; Graves 2012): the probability of a sentence, summed over all paths
// of a cursor that writes a word or moves on. e = sigmoid(z) is the gate, w the log p of word u + 1 at
// position j:
//   z_uj = scores_uj + bias                               e(u,S) = 1
//   q(u,j) = logadd(a(u-1,j), q(u,j-1) + log(1 - e(u,j-1)))        a(u,j) = q(u,j) + log e(u,j) + w(u,j)
//   loss   = -log p = -log sum_j e^a(T-1,j)
//   b(u,j) = logadd(log e(u,j) + w(u,j) + b(u+1,j), log(1 - e(u,j)) + b(u,j+1))
// with a(-1,j) = 0 at the first position, else -infinity, and b(T,j) = 0. Where </s> is barred before the
// last position, all paths of a whole sentence end there: log p = a(T-1,S). A prefix has the sum of its
// extensions. Posteriors:
//   g(u,j) = exp(a(u,j) + b(u+1,j) - log p)               m(u,j) = exp(q(u,j) + log(1 - e(u,j)) + b(u,j+1) - log p)
//   dw -= dloss g                                         dz += dloss (m e - g (1 - e)), 0 at the last position
// The formulas are in cuda/lattice.h.
#pragma once

#include "autograd/tape.h"
#include "ops/cells.h"

namespace mininmt {

// w, scores (N, S), bias (1) -> loss (B). Contents at padding don't matter. Needs a word in each sentence.
Var lattice_losses(Var w, Var scores, Var bias, const Cells& cells);

// g (N, S): where each word was written, given the whole sentence; 0 at padding. Without gradient.
Tensor lattice_posteriors(Var w, Var scores, Var bias, const Cells& cells);

// One word of the search, without gradient. before (R, S): a(u-1,j), up to a constant in each row; undefined:
// before the first word. Returns log pi (R, S): where the cursor writes word u + 1, given the words so far,
//   pi_j = exp(q(u,j) + log e(u,j)) / sum_k exp(q(u,k) + log e(u,k)), -infinity at padding.
Tensor lattice_step(const Tensor& before, const Tensor& scores, const Tensor& bias, const Cells& cells);

}  // namespace mininmt
