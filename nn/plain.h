// RNNsearch in small operations (--plain), one equation per line.
#pragma once

#include "nn/model.h"

namespace mininmt {

// A model of the family rnnsearch with additive attention; throws UsageError for another kind. Its parameters
// have the names, shapes and initial values of the fused model's, but each matrix is separate; model files
// are the same for both.
std::unique_ptr<Model> make_plain(const Config& config);

// For the two gates and the candidate of a GRU: (B, n) each, or a matrix each.
struct Gates {
  Var z, r, candidate;
};

// (1 - z) * h + z * h~, where z = sigmoid(x_z + U_z h), r = sigmoid(x_r + U_r h), h~ = tanh(x + U [r * h]):
// the next state (B, n), from h and from x = W e + b etc.
Var plain_gru_step(const Gates& x, Var h, const Gates& U);

// c (B, n) = sum_j alpha_j h_j, and alpha (B, S) = softmax over j of v_a . tanh(W_a s + U_a h_j):
// W_a s (B, n'), U_a h (S, B, n'), h (S, B, n), v_a (n'), lengths (B).
std::pair<Var, Var> plain_attend(Var W_a_s, Var U_a_h, Var h, Var v_a, const Indices& lengths);

}  // namespace mininmt
