// Links, their error rate, how two directions are joined. The values are computed by hand.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "apps/text/alignment_error.h"

namespace mininmt {
namespace {

// {source, target} pairs.
AlignmentLinks links(const std::vector<std::pair<std::size_t, std::size_t>>& pairs) {
  AlignmentLinks result;
  for (const auto& [source, target] : pairs) result.insert({target, source});
  return result;
}

TEST_CASE("links as text, by target word, and exchanged") {
  const AlignmentLinks some = links({{2, 0}, {0, 1}, {1, 0}});
  CHECK(format_links(some) == "1-0 2-0 0-1");
  CHECK(format_links(reversed(some)) == "1-0 0-1 0-2");
  CHECK(format_links({}).empty());
}

TEST_CASE("precision, recall and error rate of two pairs") {
  AlignmentError error;
  error.add(links({{0, 0}, {1, 2}, {2, 3}}), {links({{0, 0}, {1, 1}}), links({{0, 0}, {1, 1}, {1, 2}})});
  error.add(links({{0, 1}}), {links({{0, 1}}), links({{0, 0}, {0, 1}})});
  // |A| = 4, |S| = 3, |A & S| = 2, |A & P| = 3
  CHECK(error.precision() == 0.75);
  CHECK(error.recall() == doctest::Approx(2.0 / 3).epsilon(1e-15));
  CHECK(error.rate() == doctest::Approx(1 - 5.0 / 7).epsilon(1e-15));
  CHECK(error.format() == "AER = 28.57 (precision = 75.00 recall = 66.67 links = 4 sure = 3)");
}

TEST_CASE("no links") {
  AlignmentError error;
  CHECK(error.format() == "AER = 0.00 (precision = 0.00 recall = 0.00 links = 0 sure = 0)");
  error.add({}, {links({{0, 0}}), links({{0, 0}})});
  CHECK(error.format() == "AER = 100.00 (precision = 0.00 recall = 0.00 links = 0 sure = 1)");
  error.add(links({{0, 0}}), {links({{0, 0}}), links({{0, 0}})});
  CHECK(error.rate() == doctest::Approx(1.0 / 3).epsilon(1e-15));
}

TEST_CASE("grow-diagonal adds diagonal neighbours of two words without links, one after another") {
  // 1-1 is next to 0-0, and 2-2 to 1-1. 0-1 and 1-2 share a word with them; 4-4 is next to none.
  const AlignmentLinks one = links({{0, 0}, {1, 1}, {0, 1}, {4, 4}}), other = links({{0, 0}, {2, 2}, {1, 2}});
  CHECK(grow_diagonal(one, other) == links({{0, 0}, {1, 1}, {2, 2}}));
  CHECK(grow_diagonal(other, one) == links({{0, 0}, {1, 1}, {2, 2}}));
  // Backwards, and down the other diagonal.
  CHECK(grow_diagonal(links({{3, 3}, {2, 2}}), links({{3, 3}, {1, 1}})) == links({{1, 1}, {2, 2}, {3, 3}}));
  CHECK(grow_diagonal(links({{3, 0}, {2, 1}}), links({{3, 0}, {1, 2}})) == links({{3, 0}, {2, 1}, {1, 2}}));
  // Of two that share a word the first in Moses' order.
  CHECK(grow_diagonal(links({{1, 1}, {0, 0}}), links({{1, 1}, {0, 2}})) == links({{0, 0}, {1, 1}}));
  CHECK(grow_diagonal(links({{0, 0}}), links({{1, 1}})).empty());
  CHECK(grow_diagonal(one, one) == one);
}

}  // namespace
}  // namespace mininmt
