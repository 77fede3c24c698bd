// Softmax with cross-entropy (MODEL.md 4, 6).
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// -log p of each row's target under p = softmax(logits): logits (N, V), targets (N) -> loss (N), in nats.
// With label smoothing eps the loss is -sum_w q_w log p_w for q = (1 - eps) [target] + eps / V. A row with
// target kNone (padding) has loss 0 and no gradient.
//   dlogits += dloss (p - q), with p recomputed from the logits and their stored log-sum-exp
Var softmax_xent(Var logits, const Indices& targets, double label_smoothing = 0);

// Throws Error unless there is one target per row, a word or kNone, and label_smoothing is in [0, 1).
void check_targets(const Indices& targets, std::int64_t rows, std::int64_t words, double label_smoothing);

// log sum_w e^(x_w), computed after subtracting the maximum.
real log_sum_exp(std::int64_t size, const real* x);

}  // namespace mininmt
