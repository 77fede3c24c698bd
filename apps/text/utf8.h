// UTF-8 as RFC 3629 defines it: checking, repairing, and the columns a text takes in a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mininmt {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// The character that a text begins with.
struct Utf8Character {
  char32_t code;      // kReplacementCharacter where `valid` is false
  std::size_t bytes;  // how many bytes it took, at least 1; of an invalid one, the longest valid beginning
  bool valid;
};

// The first character of `text`, which must not be empty.
Utf8Character first_utf8_character(std::string_view text);

// The position of the first byte that isn't UTF-8, or npos if all of `text` is.
std::size_t find_invalid_utf8(std::string_view text);

// `text` with each invalid sequence replaced by one U+FFFD, as browsers and Python's errors="replace" do it.
std::string replace_invalid_utf8(std::string_view text);

// `code` as UTF-8; a code that is no character (a surrogate, above U+10FFFF) gives U+FFFD.
std::string encode_utf8(char32_t code);

// Columns in a terminal: 0 for combining marks and invisible characters, 2 for the wide characters of East
// Asia and emoji, 1 for the rest. The ranges are those of the common scripts, not all of Unicode.
int display_width(char32_t code);

// The sum over the characters of `text`; an invalid sequence counts as one column.
std::size_t display_width(std::string_view text);

}  // namespace mininmt
