#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/utf8.h"

namespace mininmt {
namespace {

// An independent definition of UTF-8: the shortest of the forms 0xxxxxxx, 110xxxxx 10xxxxxx, ... of a code
// that is no surrogate. Decodes by the form, then checks the code; the code under test restricts the second
// byte instead.
std::size_t length_by_form(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  constexpr unsigned kMasks[] = {0x80, 0xE0, 0xF0, 0xF8}, kMarks[] = {0x00, 0xC0, 0xE0, 0xF0};
  constexpr unsigned kSmallest[] = {0, 0x80, 0x800, 0x10000};
  for (std::size_t following = 0; following < 4; ++following) {
    if ((byte(at) & kMasks[following]) != kMarks[following]) continue;
    if (at + following >= text.size()) return 0;
    unsigned code = byte(at) & ~kMasks[following];
    for (std::size_t i = 1; i <= following; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return 0;
      code = code * 64 + (byte(at + i) & 0x3F);
    }
    const bool allowed =
        code >= kSmallest[following] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    return allowed ? following + 1 : 0;
  }
  return 0;
}

std::size_t first_invalid_by_form(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = length_by_form(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string::npos;
}

TEST_CASE("every character is what its UTF-8 says") {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code == 0xD800) code = 0xE000;
    const std::string text = encode_utf8(code);
    const Utf8Character character = first_utf8_character(text);
    if (!character.valid || character.code != code || character.bytes != text.size()) {
      FAIL("code " << static_cast<unsigned>(code));
    }
  }
  CHECK(encode_utf8(0x24) == "\x24");
  CHECK(encode_utf8(0xA3) == "\xC2\xA3");
  CHECK(encode_utf8(0x20AC) == "\xE2\x82\xAC");
  CHECK(encode_utf8(0x10348) == "\xF0\x90\x8D\x88");
  CHECK(encode_utf8(0xD800) == "\xEF\xBF\xBD");
  CHECK(encode_utf8(0x110000) == "\xEF\xBF\xBD");
}

TEST_CASE("invalid UTF-8 is found where a decoder by form finds it") {
  std::mt19937 random(1);
  // Bytes near the limits are frequent, so that long sequences are both completed and broken.
  const std::string_view pool(
      "a\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xED\xEE\xEF"
      "\xF0\xF1\xF3\xF4\xF5\xF8\xFF\0",
      25);
  std::size_t valid = 0;
  for (int trial = 0; trial < 200000; ++trial) {
    std::string text(random() % 7, '\0');
    for (char& byte : text) byte = random() % 4 ? pool[random() % pool.size()] : static_cast<char>(random());
    const std::size_t expected = first_invalid_by_form(text);
    if (find_invalid_utf8(text) != expected) FAIL("trial " << trial);
    const std::string repaired = replace_invalid_utf8(text);
    if (find_invalid_utf8(repaired) != std::string::npos) FAIL("trial " << trial);
    if (expected == std::string::npos) {
      if (repaired != text) FAIL("trial " << trial);
      ++valid;
    }
  }
  CHECK(valid > 1000);
}

TEST_CASE("invalid sequences are replaced as Python's errors='replace' does") {
  const auto r = [](int count) {
    std::string text;
    while (count-- > 0) text += "\uFFFD";
    return text;
  };
  CHECK(replace_invalid_utf8("abc é") == "abc é");
  CHECK(replace_invalid_utf8("caf\xE9 noir") == "caf" + r(1) + " noir");
  CHECK(replace_invalid_utf8("\xE2\x82") == r(1));             // truncated: one
  CHECK(replace_invalid_utf8("\xF0\x90\x8Dz") == r(1) + "z");  // the longest valid prefix: one
  CHECK(replace_invalid_utf8("\xED\xA0\x80") == r(3));         // a surrogate: one per byte
  CHECK(replace_invalid_utf8("\xC0\xAF") == r(2));             // overlong
  CHECK(replace_invalid_utf8("\xF5\x80\x80\x80") == r(4));     // above U+10FFFF
}

struct Columns {
  char32_t first, last;
};
const std::vector<Columns> kNone = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5}, {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670},
    {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0900, 0x0902},
    {0x093A, 0x093A}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0951, 0x0957},
    {0x0962, 0x0963}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1160, 0x11FF},
    {0x1AB0, 0x1ACE}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
    {0x20D0, 0x20F0}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
const std::vector<Columns> kTwo = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0x3098},   {0x309B, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0xA4CF},   {0xA960, 0xA97C},  {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6B},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FC}, {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

int columns_of(char32_t code) {
  const auto in = [code](const std::vector<Columns>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](Columns r) { return r.first <= code && code <= r.last; });
  };
  return in(kNone) ? 0 : in(kTwo) ? 2 : 1;
}

TEST_CASE("columns at the edges of every range of characters that take none or two") {
  for (const auto* ranges : {&kNone, &kTwo})
    for (const Columns& range : *ranges)
      for (const int step : {-1, 0, 1, 2}) {  // one before, the first, the last, one after
        const auto code = static_cast<char32_t>(step < 1 ? range.first + step : range.last + step - 1);
        CAPTURE(static_cast<unsigned>(code));
        CHECK(display_width(code) == columns_of(code));
      }
}

TEST_CASE("columns of a text in a terminal") {
  CHECK(display_width("") == 0);
  CHECK(display_width("zone") == 4);
  CHECK(display_width("économique") == 10);
  CHECK(display_width("e\u0301conomique") == 10);  // e and a combining accent
  CHECK(display_width("日本語") == 6);
  CHECK(display_width("한국") == 4);
  CHECK(display_width("ﾊﾝｶｸ") == 4);  // half-width forms
  CHECK(display_width("Ω и ש") == 5);
  CHECK(display_width("\u200B") == 0);
  CHECK(display_width("🙂") == 2);
  CHECK(display_width("a\xFFz") == 3);
}

TEST_CASE("what a terminal would obey is visible, and the rest is as it was") {
  CHECK(visible("caf\u00E9 '\\' \u65E5\u672C \u200D e\u0301") ==
        "caf\u00E9 '\\' \u65E5\u672C \u200D e\u0301");
  CHECK(visible("a\x1b[31mb\n\t\r\v\x7f") == "a\\x1B[31mb\\n\\t\\r\\x0B\\x7F");
  CHECK(visible(std::string("\0", 1)) == "\\x00");
  CHECK(visible("\u009B31m\u202Eab\u2028\u2066") == "\\u009B31m\\u202Eab\\u2028\\u2066");
  CHECK(visible("caf\xE9 \x9B \xE2\x80") == "caf\\xE9 \\x9B \\xE2\\x80");
  CHECK(visible("").empty());
}

}  // namespace
}  // namespace mininmt
