// The attention of a model over given pairs of sentences, and log p of each word: it steps through the given
// words (forced decoding).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/model.h"

namespace mininmt {

// alpha along a given target of T words, </s> counted. There are T - 1 + d rows, d = model.attention_delay():
// row i, counted from 0, has the weights that predict word i, and row i + d the first that depend on it (Chen
// et al. 2020, "Accurate Word Alignment Induction from Neural Machine Translation"). The last d - 1 rows are
// of steps after the </s>.
struct ForcedAlpha {
  std::size_t source_words;    // S, </s> counted
  std::vector<float> weights;  // (T - 1 + d, S), row-major
  // Of models that have them (Model::posteriors): where each word came from, knowing all words (T, S).
  std::vector<float> posteriors;
};

// alpha of each pair (ids ending in </s>). Throws UsageError if the model has no attention.
std::vector<ForcedAlpha> forced_alignment(const Model& model, std::span<const std::span<const Id>> sources,
                                          std::span<const std::span<const Id>> targets);

// log p of each word of each target, </s> included, given those before it. Of any model, also where costs()
// come by sentence.
std::vector<std::vector<double>> forced_scores(const Model& model,
                                               std::span<const std::span<const Id>> sources,
                                               std::span<const std::span<const Id>> targets);

}  // namespace mininmt
