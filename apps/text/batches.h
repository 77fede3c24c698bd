// The order in which training sees the pairs of a corpus, as minibatches of sentences of like length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/text/corpus.h"
#include "apps/text/padding.h"

namespace mininmt {

// Shuffles `items` (Fisher-Yates). The result is a function of the arguments alone, the same on every
// platform.
void shuffle(std::span<std::uint32_t> items, std::uint64_t seed, std::uint64_t stream);

struct BatchOptions {
  std::size_t mini_batch = 80;       // sentences a minibatch
  std::size_t maxi_batch = 20;       // minibatches' worth of pairs that are fetched and sorted together
  std::size_t mini_batch_words = 0;  // if not 0, minibatches are cut by target words instead
};

// The endless sequence of minibatches, epoch after epoch. In each epoch every pair comes once. As in the
// paper's B.2: of the shuffled corpus, the next maxi_batch * mini_batch pairs are fetched, sorted by source
// length, then target length, and cut into minibatches. (With these the authors go from short to long; here
// the minibatches of a fetch are shuffled.)
//
// By sentences, a minibatch has mini_batch of them, the last of a fetch what is left. By words, it has as
// many as keep sentences x (longest target, </s> included) at or under mini_batch_words, and one at least.
// Either way its memory is bounded: one that would take more padded cells (padding.h) than
// kMostCellsASentence x mini_batch, or kMostCellsAWord x mini_batch_words, is cut into several. Pairs of some
// 200 words a side stay under that.
//
// The sequence is a function of corpus, options and seed. The position in it is (epoch, minibatch), which is
// all that a resumed training needs.
class BatchStream {
 public:
  static constexpr std::size_t kMostCellsASentence = 512, kMostCellsAWord = 32;

  // Stands before the first minibatch of epoch 0. The corpus must outlive the stream and stay as it is.
  // Throws UsageError where an option is 0 that can't be, Error where the corpus is empty or has 2^32 pairs
  // or more.
  BatchStream(const ParallelCorpus& corpus, BatchOptions options, std::uint64_t seed);

  // The pairs of the next minibatch, by their number in the corpus; valid until the next call of next() or
  // seek().
  std::span<const std::uint32_t> next();

  // The position of the minibatch that next() will give: after the last one of epoch e it is (e + 1, 0).
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t minibatch() const { return minibatch_; }

  // The pairs that this epoch has given so far.
  std::size_t pairs() const { return pairs_; }

  // Goes to that position, in the time that sorting the epoch up to there takes. Throws Error where the epoch
  // has not as many minibatches.
  void seek(std::uint64_t epoch, std::uint64_t minibatch);

 private:
  struct Cut {
    std::size_t begin, end;  // of order_
  };

  void start_epoch();
  void fetch();
  std::size_t end_of_batch(std::size_t begin) const;
  void cut_by_cells(std::size_t begin, std::size_t end);
  PairLengths lengths(std::uint32_t pair) const;

  const ParallelCorpus* corpus_;
  BatchOptions options_;
  std::uint64_t seed_;
  std::size_t most_cells_;  // of a minibatch of more than one pair
  std::uint64_t epoch_ = 0, minibatch_ = 0;
  std::vector<std::uint32_t> order_;      // of the epoch; each fetch is sorted in place
  std::size_t fetched_ = 0;               // how much of order_ has been fetched
  std::vector<Cut> cuts_;                 // the minibatches of the last fetch
  std::vector<std::uint32_t> cut_order_;  // in which they come
  std::size_t pairs_ = 0;                 // given in this epoch
  std::size_t next_cut_ = 0;              // in cut_order_
};

}  // namespace mininmt
