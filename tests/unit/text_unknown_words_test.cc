// How much of a text a vocabulary lacks.
#include <doctest/doctest.h>

#include "apps/text/unknown_words.h"

namespace mininmt {
namespace {

TEST_CASE("unknown words are counted, and are most of a text from more than half on") {
  Vocab vocab;
  vocab.add("a");
  UnknownWords counted;
  CHECK(counted.percent() == "0.00%");
  CHECK_FALSE(counted.are_most());
  counted.add(vocab, "a x");
  counted.add(vocab, "");
  CHECK(counted.words == 2);
  CHECK(counted.unknown == 1);
  CHECK_FALSE(counted.are_most());
  counted.add(vocab, "<unk>");
  CHECK(counted.are_most());
  CHECK(counted.percent() == "66.67%");
  CHECK(
      counted.warning("v.fr", "source").starts_with("v.fr: 66.67% of its words are not in the source vocab"));
}

}  // namespace
}  // namespace mininmt
