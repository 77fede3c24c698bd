// RNNsearch in small operations (--plain): nn/rnnsearch without its fused ones, an equation a line.
#pragma once

#include "nn/model.h"

namespace mininmt {

// A model of the family rnnsearch with additive attention; throws UsageError for another kind. Its parameters
// have the names, shapes and initial values of the fused model's, each matrix one of its own, so that a file
// of either is a file of the other.
std::unique_ptr<Model> make_plain(const Config& config);

// Of a GRU's two gates and its candidate: (B, n) each, or a matrix each.
struct Gates {
  Var z, r, candidate;
};

// (1 - z) * h + z * h~, where z = sigmoid(x_z + U_z h), r = sigmoid(x_r + U_r h), h~ = tanh(x + U [r * h]):
// the next state (B, n) from h, and from x, which is W e + b and the like.
Var plain_gru_step(const Gates& x, Var h, const Gates& U);

// c (B, n) = sum_j alpha_j h_j, and alpha (B, S) = softmax over j of v_a . tanh(W_a s + U_a h_j):
// W_a s (B, n'), U_a h (S, B, n'), h (S, B, n), v_a (n'), lengths (B).
std::pair<Var, Var> plain_attend(Var W_a_s, Var U_a_h, Var h, Var v_a, const Indices& lengths);

}  // namespace mininmt
