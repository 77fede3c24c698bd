#include <doctest/doctest.h>

#include <numeric>

#include "apps/text/padding.h"

namespace mininmt {
namespace {

using Sizes = std::vector<std::size_t>;

Sizes sizes_of_batches(const std::vector<PairLengths>& lengths, std::size_t sentences, std::size_t cells) {
  Sizes order(lengths.size()), sizes, seen;
  std::iota(order.begin(), order.end(), 0);
  for (const auto batch : cut_into_batches(order, lengths, sentences, cells)) {
    sizes.push_back(batch.size());
    seen.insert(seen.end(), batch.begin(), batch.end());
  }
  CHECK(seen == order);  // each once, in order
  return sizes;
}

TEST_CASE("cells count both sides, and attention between them") {
  CHECK(PairLengths{10, 20}.cells() == 30);
  CHECK(PairLengths{1024, 2048}.cells() == 1024 + 2048 + 2048);
  CHECK(PairLengths{8000, 2}.cells() == 8000 + 2 + 15);
  const PairLengths longest = PairLengths{3, 9}.longest({5, 7});
  CHECK(longest.source == 5);
  CHECK(longest.target == 9);
}

TEST_CASE("batches have as many sentences as asked for while their cells allow it") {
  const std::vector<PairLengths> short_ones(10, {5, 5});
  CHECK(sizes_of_batches(short_ones, 4, 1000) == Sizes{4, 4, 2});
  CHECK(sizes_of_batches(short_ones, 4, 40) == Sizes{4, 4, 2});
  CHECK(sizes_of_batches(short_ones, 4, 39) == Sizes{3, 3, 3, 1});
  CHECK(sizes_of_batches({}, 4, 39).empty());
}

TEST_CASE("a sentence long on either side does not pad the others beyond the bound") {
  for (const PairLengths long_one : {PairLengths{8000, 2}, PairLengths{2, 8000}}) {
    std::vector<PairLengths> lengths(63, {4, 2});
    lengths.insert(lengths.begin() + 31, long_one);
    CHECK(sizes_of_batches(lengths, 64, 64 * 200) == Sizes{31, 1, 32});
  }
  // A long source and a long target in different pairs.
  CHECK(sizes_of_batches({{500, 2}, {2, 500}}, 2, 1100) == Sizes{1, 1});
  CHECK(sizes_of_batches({{500, 2}, {2, 500}}, 2, 2500) == Sizes{2});
}

}  // namespace
}  // namespace mininmt
