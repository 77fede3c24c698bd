// The output layer (MODEL.md 4): p(y) = softmax(W_o t + b_y), the largest part of the work. Training only
// needs its losses, search only its best words.
#pragma once

#include <vector>

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// softmax_xent(linear(t, W, bias), targets, label_smoothing): t (N, l), W (V, l), bias (V) -> loss (N). The
// logits' gradient overwrites them: on the CPU at once, up to the factor dloss, on the GPU in backward.
Var output_losses(Var t, Var W, Var bias, const Indices& targets, double label_smoothing);

// For each row i of logits, on the host: log sum_w e^logit_w over all words, and the k best allowed words
// with their logits: entries [i * k, (i + 1) * k), best first, ties by word. If fewer are allowed, the list
// ends in kNone. Words with logit -infinity are not allowed.
struct BestWords {
  std::vector<real> log_sum;
  std::vector<real> logit;
  std::vector<Id> word;
};

// logits (N, V), which may be overwritten; bias (V) is added to each row first, unless undefined. bar_unk:
// <unk> is not allowed. bar_eos (N): </s> is not allowed in rows where it is not 0; empty: always allowed.
BestWords best_words(const Tensor& logits, const Tensor& bias, std::int64_t k, bool bar_unk,
                     const Indices& bar_eos);

}  // namespace mininmt
