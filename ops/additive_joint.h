// The additive joint (MODEL.md 9.3; Graves 2012): the logits of a cell are a word's plus a position's, so
// that the normalisers of all cells of a sentence are one product of matrices. For word n of sentence b at
// position j, over words k:
//   w_nj = f_jb[y_n] + g_n[y_n] - log Z_nj        Z_nj = sum_k e^(f_jb[k] + g_n[k])
//   log Z_nj = mf_jb + mg_n + log P_nj,           P_nj = sum_k e^(g_n[k] - mg_n) e^(f_jb[k] - mf_jb)
// with mg, mf the largest of each row. Where P_nj < 1e-25 (f and g are certain of different words), log Z_nj
// is computed from f + g. The gradient, from dw:
//   r_nj = dw_nj / P_nj        dg_n[k] -= e^(g_n[k] - mg_n) sum_j r_nj e^(f_jb[k] - mf_jb)        df likewise
//   dg_n[y_n] += sum_j dw_nj   df_jb[y_n] += sum_n dw_nj
// where P_nj is too small, its part again from f + g.
#pragma once

#include "autograd/tape.h"
#include "ops/cells.h"

namespace mininmt {

struct AdditiveJoint {
  Var g;  // (N, V)
  Var f;  // (S, B, V)
};

// As of the deep joint (ops/deep_joint.h).
Var cell_log_p(const AdditiveJoint& joint, const Cells& cells, const Indices& targets);

// In search, without gradient: with weights pi_nj
//   log sum_j pi_nj p(k | n, j) = g_n[k] - mg_n + log sum_j (pi_nj / P_nj) e^(f_jb[k] - mf_jb)
// which are two products for each sentence. A word with a P below 1e-25 is mixed from the softmax of each
// cell.

// The part of f, which a search computes once: e^(f_jb - mf_jb) (B, S, V), and mf_jb (B, S). 0 at padding,
// and for </s> where it is barred.
struct PositionExponentials {
  Tensor exp_f, max_f;
};
PositionExponentials position_exponentials(Var f, const Indices& lengths, bool late_end);

Mixed mixed_log_p(const AdditiveJoint& joint, const PositionExponentials& of, const Cells& cells,
                  const Tensor& weights);

// cell_log_p() where log Z_nj (N, S) is kept: g_n + f_jb[y_n] - log Z_nj, with g (N, 1) of the targets y
// alone.
Tensor cell_log_p(Var g, Var f, const Cells& cells, const Indices& targets, const Tensor& log_z);

}  // namespace mininmt
