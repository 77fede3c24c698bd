// The padded size of a batch of sentence pairs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace mininmt {

// The lengths of a pair, or the maximum lengths in a batch; </s> counted.
struct PairLengths {
  std::size_t source = 0, target = 0;

  PairLengths longest(PairLengths other) const {
    return {std::max(source, other.source), std::max(target, other.target)};
  }

  // The size of a pair padded to these lengths, in padded words: S + T + S T / 1024. A word has about a
  // thousand activations, attention one weight per source and target word.
  std::size_t cells() const { return source + target + source * target / 1024; }
};

// Up to this length, minibatches have their full size.
inline constexpr std::size_t kOrdinaryLength = 100;

// Cuts `order`, indices into `lengths`, into batches of at most `most_sentences` and, unless a single
// sentence has more, `most_cells` padded cells. Each is as large as possible.
std::vector<std::span<const std::size_t>> cut_into_batches(std::span<const std::size_t> order,
                                                           std::span<const PairLengths> lengths,
                                                           std::size_t most_sentences,
                                                           std::size_t most_cells);

}  // namespace mininmt
