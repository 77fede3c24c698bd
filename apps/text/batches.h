// The order in which training sees the pairs of a corpus, in minibatches of sentences of similar length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/text/corpus.h"
#include "apps/text/padding.h"

namespace mininmt {

// Shuffles `items` (Fisher-Yates). The result depends only on the arguments, on every platform.
void shuffle(std::span<std::uint32_t> items, std::uint64_t seed, std::uint64_t stream);

struct BatchOptions {
  std::size_t mini_batch = 80;       // sentences per minibatch
  std::size_t maxi_batch = 20;       // minibatches fetched and sorted together
  std::size_t mini_batch_words = 0;  // if not 0, cut minibatches by target words instead
};

// The endless sequence of minibatches. Each epoch has every pair once. As in the paper's B.2, the next
// maxi_batch * mini_batch pairs of the shuffled corpus are fetched, sorted by source length, then target
// length, and cut into minibatches. (The authors then go from short to long; here the minibatches of a fetch
// are shuffled.)
//
// By sentences, a minibatch has mini_batch of them, the last of a fetch the rest. By words, it has as many as
// keep sentences x (longest target, with </s>) at or below mini_batch_words, at least one. Memory is bounded
// in both cases: a minibatch with more padded cells (padding.h) than kMostCellsASentence x mini_batch, or
// kMostCellsAWord x mini_batch_words, is cut into several. Pairs of about 200 words per side stay below that.
//
// The sequence is a function of corpus, options and seed; (epoch, minibatch) is the position in it.
class BatchStream {
 public:
  static constexpr std::size_t kMostCellsASentence = 512, kMostCellsAWord = 32;

  // Starts before the first minibatch of epoch 0. The corpus must outlive the stream unchanged. Throws
  // UsageError if an option is 0 that must not be, Error if the corpus is empty or has 2^32 or more pairs.
  BatchStream(const ParallelCorpus& corpus, BatchOptions options, std::uint64_t seed);

  // The pairs of the next minibatch, as indices into the corpus; valid until the next next() or seek().
  std::span<const std::uint32_t> next();

  // The position of the minibatch that next() will return: after the last one of epoch e it is (e + 1, 0).
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t minibatch() const { return minibatch_; }

  // The pairs returned so far in this epoch.
  std::size_t pairs() const { return pairs_; }

  // Moves to that position; it takes the time of sorting up to there. Throws Error if there is none.
  void seek(std::uint64_t epoch, std::uint64_t minibatch);

 private:
  struct Cut {
    std::size_t begin, end;  // in order_
  };

  void start_epoch();
  void fetch();
  std::size_t end_of_batch(std::size_t begin) const;
  void cut_by_cells(std::size_t begin, std::size_t end);
  PairLengths lengths(std::uint32_t pair) const;

  const ParallelCorpus* corpus_;
  BatchOptions options_;
  std::uint64_t seed_;
  std::size_t most_cells_;  // in a minibatch with more than one pair
  std::uint64_t epoch_ = 0, minibatch_ = 0;
  std::vector<std::uint32_t> order_;      // the epoch's order; each fetch is sorted in place
  std::size_t fetched_ = 0;               // fetched part of order_
  std::vector<Cut> cuts_;                 // minibatches of the last fetch
  std::vector<std::uint32_t> cut_order_;  // order of cuts_
  std::size_t pairs_ = 0;                 // returned in this epoch
  std::size_t next_cut_ = 0;              // index into cut_order_
};

}  // namespace mininmt
