// A minibatch, and its division among threads: each computes a part, with its own tape and gradients.
#pragma once

#include <span>
#include <vector>

#include "tensor/types.h"

namespace mininmt {

// Sentence pairs, each sentence ending in </s>. Does not own the ids.
struct Minibatch {
  std::vector<std::span<const Id>> sources, targets;

  std::int64_t sentences() const { return static_cast<std::int64_t>(sources.size()); }
  std::int64_t target_words() const;  // </s> counted
};

// The same pairs, the longest target first.
Minibatch longest_first(const Minibatch& minibatch);

// Pairs in a part, at least.
inline constexpr int kLeastOfPart = 4;

// Cuts the pairs into at most `most` runs with similar numbers of words.
std::vector<Minibatch> split(const Minibatch& minibatch, int most);

}  // namespace mininmt
