// A minibatch computed by several threads: each takes a part of its sentences, with a tape and gradients of
// its own.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "apps/text/corpus.h"
#include "nn/rnnsearch.h"

namespace mininmt {

// Pairs of a corpus as a padded batch.
Batch make_batch(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs,
                 const BatchShape& at_least = {});

// Cuts the pairs into at most `most` runs of much the same number of words, none of fewer than four pairs.
std::vector<std::span<const std::uint32_t>> split(const ParallelCorpus& corpus,
                                                  std::span<const std::uint32_t> pairs, int most);

// Calls work(0) ... work(count - 1), one at a time or, with more threads than one, several at once; throws
// again what one of them throws. Inside, the loops and products of the operations run on one thread, unless
// count is 1.
void for_each_shard(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace mininmt
