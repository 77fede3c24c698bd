#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "apps/text/batches.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using Batch = std::vector<std::uint32_t>;

// Pairs with all combinations of lengths from 1..40, in a fixed shuffled order.
ParallelCorpus corpus_of(std::size_t pairs) {
  ParallelCorpus corpus;
  for (std::size_t i = 0; i < pairs; ++i) {
    std::vector<Id> source(1 + i * 17 % 40, 2), target(1 + i * 23 % 37, 2);
    source.push_back(kEos);
    target.push_back(kEos);
    corpus.add(source, target);
  }
  return corpus;
}

// The minibatches of the epoch at whose beginning the stream is.
std::vector<Batch> epoch_of(BatchStream& stream) {
  std::vector<Batch> batches;
  std::size_t given = 0;
  for (const auto epoch = stream.epoch(); stream.epoch() == epoch;) {
    CHECK(stream.minibatch() == batches.size());
    CHECK(stream.pairs() == given);
    const auto batch = stream.next();
    batches.emplace_back(batch.begin(), batch.end());
    given += batch.size();
  }
  CHECK(stream.minibatch() == 0);
  return batches;
}

TEST_CASE("each epoch has every pair once, in minibatches of the size asked for") {
  const ParallelCorpus corpus = corpus_of(1003);
  BatchStream stream(corpus, {.mini_batch = 10, .maxi_batch = 20}, 1);
  std::vector<std::vector<Batch>> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    epochs.push_back(epoch_of(stream));
    std::set<std::uint32_t> seen;
    std::size_t smaller = 0;
    for (const Batch& batch : epochs.back()) {
      CHECK(batch.size() <= 10);
      smaller += batch.size() < 10;
      seen.insert(batch.begin(), batch.end());
    }
    CHECK(epochs.back().size() == 101);
    CHECK(smaller == 1);
    CHECK(seen.size() == 1003);
    CHECK(*seen.rbegin() == 1002);
  }
  // The contents of minibatches change too, not only their order.
  for (auto& batches : epochs) std::sort(batches.begin(), batches.end());
  CHECK(epochs[0] != epochs[1]);
  CHECK(epochs[1] != epochs[2]);
}

TEST_CASE("a fetch is sorted by source, then target length, and its minibatches are shuffled") {
  const ParallelCorpus corpus = corpus_of(4000);
  BatchStream stream(corpus, {.mini_batch = 50, .maxi_batch = 20}, 2);
  const auto lengths = [&](std::uint32_t pair) {
    return std::pair(corpus.source(pair).size(), corpus.target(pair).size());
  };
  const auto batches = epoch_of(stream);
  REQUIRE(batches.size() == 80);
  std::size_t fetches_in_order = 0;
  for (std::size_t fetch = 0; fetch < 4; ++fetch) {
    // Each minibatch is a range of the sorted fetch: sorted itself, and ranges do not overlap.
    std::vector<Batch> stretches(batches.begin() + static_cast<std::ptrdiff_t>(fetch * 20),
                                 batches.begin() + static_cast<std::ptrdiff_t>(fetch * 20 + 20));
    const auto shorter = [&](const Batch& a, const Batch& b) {
      return lengths(a.front()) < lengths(b.front());
    };
    fetches_in_order += std::is_sorted(stretches.begin(), stretches.end(), shorter);
    std::stable_sort(stretches.begin(), stretches.end(), shorter);
    Batch all;
    for (const Batch& stretch : stretches) all.insert(all.end(), stretch.begin(), stretch.end());
    CHECK(std::is_sorted(all.begin(), all.end(), [&](auto a, auto b) { return lengths(a) < lengths(b); }));
    CHECK(lengths(all.front()).first < 5);  // a fetch is drawn from the whole corpus, not from one length
    CHECK(lengths(all.back()).first > 37);
  }
  CHECK(fetches_in_order == 0);
}

TEST_CASE("by words, a minibatch is as large as its padded target allows") {
  const ParallelCorpus corpus = corpus_of(3000);
  constexpr std::size_t kWords = 500;
  BatchStream stream(corpus, {.mini_batch = 80, .maxi_batch = 20, .mini_batch_words = kWords}, 3);
  std::size_t pairs = 0;
  std::map<std::size_t, std::size_t> counts;
  for (const Batch& batch : epoch_of(stream)) {
    std::size_t longest = 0;
    for (const auto pair : batch) longest = std::max(longest, corpus.target(pair).size());
    CHECK(batch.size() * longest <= kWords);
    pairs += batch.size();
    ++counts[batch.size()];
  }
  CHECK(pairs == 3000);
  CHECK(counts.begin()->first < counts.rbegin()->first);

  // A sentence longer than the limit is its own minibatch.
  BatchStream single(corpus, {.mini_batch = 80, .maxi_batch = 20, .mini_batch_words = 1}, 3);
  CHECK(epoch_of(single).size() == 3000);

  // As many sentences as the limit allows: twenty targets of 5 (with </s>) make 100.
  ParallelCorpus even;
  for (int i = 0; i < 100; ++i) even.add(std::vector<Id>{2, kEos}, std::vector<Id>{2, 2, 2, 2, kEos});
  BatchStream full(even, {.mini_batch_words = 100}, 3);
  CHECK(epoch_of(full).size() == 5);
  BatchStream nearly(even, {.mini_batch_words = 99}, 3);
  CHECK(epoch_of(nearly).size() == 6);
}

// The padded cells of a minibatch.
std::size_t cells(const ParallelCorpus& corpus, const Batch& batch) {
  PairLengths longest;
  for (const auto pair : batch)
    longest = longest.longest({corpus.source(pair).size(), corpus.target(pair).size()});
  return batch.size() * longest.cells();
}

void add_pair(ParallelCorpus& corpus, std::size_t source_words, std::size_t target_words) {
  std::vector<Id> source(source_words, 2), target(target_words, 2);
  source.push_back(kEos);
  target.push_back(kEos);
  corpus.add(source, target);
}

TEST_CASE("a very long pair does not pad the others of its minibatch beyond a bound") {
  for (const bool long_source : {true, false}) {
    ParallelCorpus corpus = corpus_of(200);
    add_pair(corpus, long_source ? 8000 : 20, long_source ? 20 : 8000);
    for (const std::size_t words : {std::size_t{0}, std::size_t{2000}}) {
      const std::size_t bound =
          words > 0 ? BatchStream::kMostCellsAWord * words : 80 * BatchStream::kMostCellsASentence;
      BatchStream stream(corpus, {.mini_batch = 80, .mini_batch_words = words}, 4);
      std::size_t pairs = 0;
      for (const Batch& batch : epoch_of(stream)) {
        CHECK((batch.size() == 1 || cells(corpus, batch) <= bound));
        pairs += batch.size();
      }
      CHECK(pairs == 201);
    }
  }
}

TEST_CASE("pairs of 200 words share minibatches as if there were no bound") {
  ParallelCorpus corpus;
  for (std::size_t i = 0; i < 1000; ++i) add_pair(corpus, 1 + i * 37 % 200, 1 + i * 61 % 200);
  BatchStream stream(corpus, {.mini_batch = 80, .maxi_batch = 20}, 5);
  const auto batches = epoch_of(stream);
  REQUIRE(batches.size() == 13);
  CHECK(std::count_if(batches.begin(), batches.end(), [](const Batch& b) { return b.size() == 80; }) == 12);
}

TEST_CASE("the sequence is a function of the seed") {
  const ParallelCorpus corpus = corpus_of(500);
  const auto first_epoch = [&](std::uint64_t seed) {
    BatchStream stream(corpus, {.mini_batch = 8}, seed);
    return epoch_of(stream);
  };
  CHECK(first_epoch(7) == first_epoch(7));
  CHECK(first_epoch(7) != first_epoch(8));
}

TEST_CASE("seek goes on exactly where next would have") {
  const ParallelCorpus corpus = corpus_of(700);
  for (const std::size_t words : {std::size_t{0}, std::size_t{300}}) {
    const BatchOptions options = {.mini_batch = 9, .maxi_batch = 5, .mini_batch_words = words};
    BatchStream stream(corpus, options, 11);
    std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, Batch>> history;
    while (stream.epoch() < 3) {
      const std::pair position(stream.epoch(), stream.minibatch());
      const auto batch = stream.next();
      history.push_back({position, Batch(batch.begin(), batch.end())});
    }
    for (std::size_t i = 0; i + 1 < history.size(); i += 7) {
      BatchStream resumed(corpus, options, 11);
      resumed.seek(history[i].first.first, history[i].first.second);
      for (std::size_t j = i; j < i + 2; ++j) {
        const auto batch = resumed.next();
        CHECK(Batch(batch.begin(), batch.end()) == history[j].second);
      }
    }
    stream.seek(0, 0);  // back to the start
    const auto batch = stream.next();
    CHECK(Batch(batch.begin(), batch.end()) == history[0].second);
    CHECK_THROWS_AS(stream.seek(0, 100000), Error);
  }
}

TEST_CASE("seek into the middle of an epoch leaves everything as next would have") {
  const ParallelCorpus corpus = corpus_of(300);
  const BatchOptions options = {.mini_batch = 8, .maxi_batch = 5};  // 38 minibatches, 5 per fetch
  for (const std::uint64_t minibatch : {1, 4, 5, 6, 20, 37}) {
    BatchStream stream(corpus, options, 6), resumed(corpus, options, 6);
    for (std::uint64_t i = 0; i < 38 + minibatch; ++i) stream.next();
    resumed.seek(1, minibatch);
    while (stream.epoch() < 3) {
      CHECK(resumed.epoch() == stream.epoch());
      CHECK(resumed.minibatch() == stream.minibatch());
      CHECK(resumed.pairs() == stream.pairs());
      const auto expected = stream.next(), found = resumed.next();
      CHECK(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
    }
  }
}

TEST_CASE("a shuffle gives every order its share") {
  std::map<Batch, int> counts;
  for (std::uint64_t stream = 0; stream < 24000; ++stream) {
    Batch items(4);
    std::iota(items.begin(), items.end(), 0u);
    shuffle(items, 12, stream);
    ++counts[items];
  }
  CHECK(counts.size() == 24);
  // Chi-squared with 23 degrees of freedom exceeds 49.7 once in a thousand.
  double chi_squared = 0;
  for (const auto& [order, count] : counts) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(chi_squared < 49.7);
}

TEST_CASE("impossible sizes are refused") {
  const ParallelCorpus corpus = corpus_of(5);
  CHECK_THROWS_AS(BatchStream(corpus, {.mini_batch = 0}, 1), UsageError);
  CHECK_THROWS_AS(BatchStream(corpus, {.maxi_batch = 0}, 1), UsageError);
  CHECK_THROWS_AS(BatchStream(ParallelCorpus(), {}, 1), Error);
  constexpr std::size_t kHuge = static_cast<std::size_t>(-1);
  BatchStream stream(corpus, {.mini_batch = kHuge, .maxi_batch = kHuge}, 1);
  CHECK(stream.next().size() == 5);
}

}  // namespace
}  // namespace mininmt
