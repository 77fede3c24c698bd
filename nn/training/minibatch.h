// A minibatch as sentences, and how it is divided among threads: each computes a part of it, with a tape and
// gradients of its own.
#pragma once

#include <span>
#include <vector>

#include "tensor/types.h"

namespace mininmt {

// Pairs of sentences, each ending in </s>. The ids belong to somebody else.
struct Minibatch {
  std::vector<std::span<const Id>> sources, targets;

  std::int64_t sentences() const { return static_cast<std::int64_t>(sources.size()); }
  std::int64_t target_words() const;  // </s> counted
};

// Cuts the pairs into at most `most` runs of much the same number of words, none of fewer than four pairs.
std::vector<Minibatch> split(const Minibatch& minibatch, int most);

}  // namespace mininmt
