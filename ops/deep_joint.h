// The deep joint (MODEL.md 9.3, 9.4): RNNsearch's readout and output layer at each cell, with the annotation
// for the context. For word n of sentence b at position j:
//   t = maxout(query_n + keys_jb) * mask_n        w = log softmax(W t + bias)[target_n]
// The T x S x V logits are never held: they are computed in chunks, on the host of some cells, on the GPU
// of some words, and again for the gradient, from dw and the kept log-sum-exp:
//   dlogits = dw ([target] - p)        dW += dlogits^T t        dbias += dlogits        dt = dlogits W
// and dt goes through the mask and the larger of each pair to dquery_n and dkeys_jb.
// In float on the host, cells with less than 1e-6 of a word's sum of |dw| are left out of the gradient.
#pragma once

#include "autograd/tape.h"
#include "ops/cells.h"

namespace mininmt {

struct DeepJoint {
  Var query;      // (N, 2l): U_o s + V_o E_y y + b_o
  Var keys;       // (S, B, 2l): C_o h_j
  Var W, bias;    // (V, l), (V)
  Tensor mask{};  // (N, l), of dropout; undefined: none
};

// targets (N), a word each, or kNone at padding -> w (N, S), 0 at padding; -infinity for </s> where
// cells.late_end bars it.
Var cell_log_p(const DeepJoint& joint, const Cells& cells, const Indices& targets);

// The same in search, without gradient, where log Z_nj (N, S) is kept: t W_y + bias_y - log Z, with y =
// targets_n.
Tensor cell_log_p(const DeepJoint& joint, const Cells& cells, const Indices& targets, const Tensor& log_z);

// From weights (N, S); undefined: log Z alone. On the host, cells of weight 0 are left out, and their log Z is
// infinity, so that log p of any word there is -infinity.
Mixed mixed_log_p(const DeepJoint& joint, const Cells& cells, const Tensor& weights);

}  // namespace mininmt
