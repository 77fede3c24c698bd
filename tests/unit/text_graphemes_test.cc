#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/graphemes.h"
#include "apps/text/utf8.h"
#include "tests/unit/text_grapheme_break_tests.h"

namespace mininmt {
namespace {

using Texts = std::vector<std::string>;

Texts graphemes(std::string_view text) {
  Texts all;
  for (; !text.empty(); text.remove_prefix(all.back().size())) all.emplace_back(first_grapheme(text));
  return all;
}

// "0061 0308|0062" as UTF-8.
Texts decoded(const std::string& test) {
  Texts all(1);
  for (std::size_t at = 0; at < test.size();) {
    std::size_t digits = 0;
    all.back() += encode_utf8(static_cast<char32_t>(std::stoul(test.substr(at), &digits, 16)));
    at += digits + 1;
    if (at <= test.size() && test[at - 1] == '|') all.emplace_back();
  }
  return all;
}

TEST_CASE("grapheme clusters are those of Unicode's own tests") {
  std::istringstream tests(kGraphemeBreakTests);
  int count = 0;
  for (std::string test; std::getline(tests, test, ';'); ++count) {
    const Texts expected = decoded(test);
    std::string text;
    for (const std::string& cluster : expected) text += cluster;
    CAPTURE(test);
    CHECK(graphemes(text) == expected);
  }
  CHECK(count == 602);
}

TEST_CASE("what people take for one character stays together") {
  CHECK(graphemes("ne\u0301e") == Texts{"n", "e\u0301", "e"});
  CHECK(graphemes("\U0001F468\u200D\U0001F469\u200D\U0001F467!") ==
        Texts{"\U0001F468\u200D\U0001F469\u200D\U0001F467", "!"});                        // a family
  CHECK(graphemes("\u1112\u1161\u11AB\uAE00") == Texts{"\u1112\u1161\u11AB", "\uAE00"});  // jamo, syllable
  CHECK(graphemes("\U0001F1EB\U0001F1F7\U0001F1E8\U0001F1E6\U0001F1E6") ==
        Texts{"\U0001F1EB\U0001F1F7", "\U0001F1E8\U0001F1E6", "\U0001F1E6"});  // flags of two letters each
}

TEST_CASE("bytes that are not UTF-8 stand alone") {
  CHECK(graphemes("a\xFF\u0301\xC3") == Texts{"a", "\xFF", "\u0301", "\xC3"});
  CHECK(graphemes(std::string(10000, '\xCC')).size() == 10000);
}

}  // namespace
}  // namespace mininmt
