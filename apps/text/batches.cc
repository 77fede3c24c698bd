#include "apps/text/batches.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): hashes a counter to a random-looking number.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The high half of the 128-bit product maps 64 random bits to 0..bound-1, uniformly to within bound / 2^64.
std::uint64_t scale(std::uint64_t random, std::uint64_t bound) {
  __extension__ using uint128 = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<uint128>(random) * bound >> 64);
}

}  // namespace

void shuffle(std::span<std::uint32_t> items, std::uint64_t seed, std::uint64_t stream) {
  const std::uint64_t key = mix(mix(seed) ^ stream);
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[scale(mix(key + i), i)]);
}

BatchStream::BatchStream(const ParallelCorpus& corpus, BatchOptions options, std::uint64_t seed)
    : corpus_(&corpus), options_(options), seed_(seed) {
  if (options.mini_batch == 0) throw UsageError("--mini-batch must be 1 or more");
  if (options.maxi_batch == 0) throw UsageError("--maxi-batch must be 1 or more");
  if (corpus.size() == 0) throw Error("batches: the corpus is empty");
  if (corpus.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(join("batches: the corpus has ", corpus.size(), " pairs; at most 2^32 - 1 can be numbered"));
  }
  most_cells_ = options.mini_batch_words > 0
                    ? kMostCellsAWord * options.mini_batch_words
                    : kMostCellsASentence * std::min(options.mini_batch, corpus.size());
  order_.resize(corpus.size());
  start_epoch();
}

void BatchStream::start_epoch() {
  minibatch_ = 0;
  pairs_ = 0;
  fetched_ = 0;
  next_cut_ = 0;
  cuts_.clear();
}

// Each epoch is shuffled at its first fetch, not at the end of the previous one: returned minibatches stay
// valid until next().
void BatchStream::fetch() {
  if (fetched_ == 0) {
    std::iota(order_.begin(), order_.end(), 0u);
    shuffle(order_, seed_, mix(epoch_));
  }
  const std::size_t begin = fetched_;
  const std::size_t wanted =
      std::min(options_.maxi_batch, order_.size()) * std::min(options_.mini_batch, order_.size());
  fetched_ = begin + std::min(wanted, order_.size() - begin);
  const auto rank = [this](std::uint32_t pair) {
    return std::pair(lengths(pair).source, lengths(pair).target);
  };
  std::stable_sort(order_.begin() + static_cast<std::ptrdiff_t>(begin),
                   order_.begin() + static_cast<std::ptrdiff_t>(fetched_),
                   [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
  cuts_.clear();
  for (std::size_t from = begin; from < fetched_;) {
    const std::size_t to = end_of_batch(from);
    cut_by_cells(from, to);
    from = to;
  }
  cut_order_.resize(cuts_.size());
  std::iota(cut_order_.begin(), cut_order_.end(), 0u);
  shuffle(cut_order_, seed_, mix(epoch_) + begin + 1);
  next_cut_ = 0;
}

// The end of the minibatch that starts at order_[begin].
std::size_t BatchStream::end_of_batch(std::size_t begin) const {
  if (options_.mini_batch_words == 0) return begin + std::min(options_.mini_batch, fetched_ - begin);
  std::size_t longest = lengths(order_[begin]).target;
  std::size_t end = begin + 1;
  for (; end < fetched_; ++end) {
    longest = std::max(longest, lengths(order_[end]).target);
    if ((end + 1 - begin) * longest > options_.mini_batch_words) break;
  }
  return end;
}

// Makes [begin, end) of order_ one minibatch, or several if one pair is so long that padding the others would
// take too much. Ordinary text is never cut here, so the batches of a fetch depend only on the options.
void BatchStream::cut_by_cells(std::size_t begin, std::size_t end) {
  PairLengths longest;
  std::size_t from = begin;
  for (std::size_t i = begin; i < end; ++i) {
    longest = longest.longest(lengths(order_[i]));
    if (i == from || (i + 1 - from) * longest.cells() <= most_cells_) continue;
    cuts_.push_back({from, i});
    from = i;
    longest = lengths(order_[i]);
  }
  cuts_.push_back({from, end});
}

std::span<const std::uint32_t> BatchStream::next() {
  if (next_cut_ == cuts_.size()) fetch();
  const Cut cut = cuts_[cut_order_[next_cut_++]];
  ++minibatch_;
  pairs_ += cut.end - cut.begin;
  if (next_cut_ == cuts_.size() && fetched_ == order_.size()) {
    ++epoch_;
    start_epoch();
  }
  return std::span(order_).subspan(cut.begin, cut.end - cut.begin);
}

void BatchStream::seek(std::uint64_t epoch, std::uint64_t minibatch) {
  epoch_ = epoch;
  start_epoch();
  while (epoch_ == epoch && minibatch_ < minibatch) next();
  if (epoch_ != epoch) {
    throw Error(
        join("batches: epoch ", epoch, " has no minibatch ", minibatch, ": is the corpus another one?"));
  }
}

PairLengths BatchStream::lengths(std::uint32_t pair) const {
  return {corpus_->source(pair).size(), corpus_->target(pair).size()};
}

}  // namespace mininmt
