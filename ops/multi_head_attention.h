// Multi-head attention (MODEL.md 9.9; Vaswani et al. 2017, 3.2): h heads side by side, head r in columns
// r d/h .. (r + 1) d/h - 1 of each operand
//   P = softmax over j of Q K^T / sqrt(d / h)        c = P V
// The gradient of a head, from dc:
//   dV += P^T dc        dP = dc V^T        dE = P (dP - sum_j P_j dP_j) / sqrt(d / h)
//   dQ += dE K        dK += dE^T Q
#pragma once

#include "autograd/tape.h"
#include "ops/attention.h"
#include "tensor/ids.h"

namespace mininmt {

// Q (T, B, d), K, V (S, B, d) -> c (T, B, d). Position t attends to the first lengths[b] positions (empty:
// all), with `causal` only to those up to t. All other weights are exactly 0; but a weight of 0 does not mask
// a value that isn't finite.
Var multi_head_attention(Var Q, Var K, Var V, int heads, const Indices& lengths, bool causal);

// The same for one query per row, in search: hypothesis r attends to rows picked[r * n + j], j < n, of K and
// V, except where that is kNone; at least one is not. Q (R, d), K, V (M, d) -> c (R, d), and the mean over
// the heads of the weights (R, n). Without gradient.
Attended attend_to_rows(Var Q, const Tensor& K, const Tensor& V, int heads, const Indices& picked);

}  // namespace mininmt
