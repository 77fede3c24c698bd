// The steps of the decoder over a batch in training.
#pragma once

#include <vector>

#include "nn/batch.h"
#include "nn/model.h"
#include "ops/arrange.h"

namespace mininmt {

// Which rows each step computes. On the CPU only the sentences up to the last whose word there is not padding:
// with the longest targets first (longest_first()), hardly any padding. On the GPU all sentences, since one
// captured graph serves minibatches of other lengths.
class TargetSteps {
 public:
  TargetSteps(const Batch& batch, const Memory& memory);

  int count() const { return static_cast<int>(rows_.size()); }

  // Of all of (T, B, m), the rows that the steps compute, one step below the other: (M, m), or all.
  Var computed(Var x) const { return computed_.empty() ? x : gather_rows(x, computed_); }

  // Step i (R, ...) of what has been computed from these.
  Var step(Var x, int i) const;

  // Of a state, the rows that step i goes on from: (R, ...).
  Var rows(Var before, int i) const { return first_rows(before, rows_[static_cast<std::size_t>(i)]); }
  State rows(State before, int i) const;

  // The words to predict, (N, n) in the order of batch.rows, of what the steps have computed, or of (M, n).
  Var at_words(const std::vector<Var>& steps) const;
  Var at_words(Var x) const { return gather_rows(x, words_); }

 private:
  std::vector<std::int64_t> rows_;   // R of each step
  std::vector<std::int64_t> first_;  // the rows before it
  Indices computed_;                 // the rows computed, of those of (T, B); empty: all
  Indices words_;                    // the words, of the rows computed
};

}  // namespace mininmt
