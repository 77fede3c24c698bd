// What a batch of sentence pairs takes when each is padded to the longest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace mininmt {

// The words of a pair, or of the longest source and the longest target of a batch; </s> counted.
struct PairLengths {
  std::size_t source = 0, target = 0;

  PairLengths longest(PairLengths other) const {
    return {std::max(source, other.source), std::max(target, other.target)};
  }

  // What a pair padded to these lengths takes, counted in padded words: S + T + S T / 1024. A word has some
  // thousand activations, attention one weight for each source word and target word.
  std::size_t cells() const { return source + target + source * target / 1024; }
};

// The lengths of ordinary text, for which minibatches have their full size.
inline constexpr std::size_t kOrdinaryLength = 100;

// Cuts `order`, places in `lengths`, into batches of at most `most_sentences` and, unless a single sentence
// has more, at most `most_cells` padded cells. Each is as large as that allows.
std::vector<std::span<const std::size_t>> cut_into_batches(std::span<const std::size_t> order,
                                                           std::span<const PairLengths> lengths,
                                                           std::size_t most_sentences,
                                                           std::size_t most_cells);

}  // namespace mininmt
