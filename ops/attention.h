// The attention step (MODEL.md 2; P eq. 5-6, A.1.2): tanh-additive score, masked softmax and context in one
// operation.
//   e_bj     = v . tanh(query_b + keys_jb)
//   alpha_bj = softmax of e_b over the positions j < length_b; exactly 0 at the others
//   c_b      = sum_j alpha_bj values_jb
// Backward keeps alpha and recomputes the tanh. With u = tanh(query_b + keys_jb), from dc:
//   dvalues_jb += alpha_bj dc_b        dalpha_bj = dc_b . values_jb
//   de_bj = alpha_bj (dalpha_bj - sum_k alpha_bk dalpha_bk)
//   dv += de_bj u        g = de_bj v (1 - u^2)        dquery_b += g        dkeys_jb += g
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

struct Attended {
  Var context;   // (R, C)
  Tensor alpha;  // (R, S), a row sums to 1
};

// query (R, A), keys (S, B, A), values (S, B, C), v (A), lengths (B). Row b attends to sentence b and R = B;
// or, in search, where several hypotheses share a sentence, row r attends to sentence sentence_of_row[r] (no
// gradient then).
Attended attend(Var query, Var keys, Var values, Var v, const Lengths& lengths,
                const std::vector<int>& sentence_of_row = {});

}  // namespace mininmt
