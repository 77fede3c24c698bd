// Beam search (MODEL.md 7) over a batch of sentences, and sampling.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/hypothesis.h"
#include "nn/model.h"
#include "nn/search_rules.h"

namespace mininmt {

// What belongs to each sentence; empty: nothing.
struct PerSentence {
  std::vector<std::span<const Id>> prefixes = {};  // the given beginning of its translation, without </s>
  // From which its samples follow, with the seed alone: the same in any batch.
  std::vector<std::uint64_t> numbers = {};
};

// Translations of each source (ids ending in </s>), 1 to n_best: finished ones, best first, then cut ones,
// best first. A finished hypothesis leaves the beam, which shrinks by one. The search of a sentence ends when
// its beam is empty, when no remaining hypothesis can get into the n_best, or at the maximum length, which
// depends only on the sentence itself. Samples come in the order in which they are drawn, n_best of them.
// words: the only ones to choose among, from </s> and <unk> on; empty: all. Log p is then that among them. Not
// with rules on words or samples.
std::vector<std::vector<Hypothesis>> beam_search(const Model& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options, const PerSentence& given = {},
                                                 const Indices& words = {});

}  // namespace mininmt
