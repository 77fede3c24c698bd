// The loss of a mixture over source positions (MODEL.md 9.4): each predicts the word with log p w, and has a
// weight, the softmax of the scores over the sentence's positions
//   loss_n = -log sum_j alpha_nj e^(w_nj)        alpha_nj = e^(scores_nj) / sum_k e^(scores_nk)
// With the posterior g_nj = alpha_nj e^(w_nj) / sum_k alpha_nk e^(w_nk):
//   dw_nj -= dloss_n g_nj        dscores_nj += dloss_n (alpha_nj - g_nj)
#pragma once

#include "autograd/tape.h"
#include "ops/cells.h"

namespace mininmt {

// w, scores (N, S) -> loss (N), 0 for padding. Contents at padding don't matter.
Var mixture_losses(Var w, Var scores, const Cells& cells);

}  // namespace mininmt
