// A minibatch as sentences, and how it is divided among threads: each computes a part of it, with a tape and
// gradients of its own.
#pragma once

#include <functional>
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

// Calls work(0) ... work(count - 1), one at a time or, with more threads than one, several at once; throws
// again what one of them throws. Inside, the loops and products of the operations run on one thread, unless
// count is 1.
void for_each_part(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace mininmt
