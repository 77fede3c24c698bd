// UTF-8 as in RFC 3629: validation, repair, escapes, and display width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mininmt {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// The first character of a text.
struct Utf8Character {
  char32_t code;      // kReplacementCharacter where `valid` is false
  std::size_t bytes;  // its length, at least 1; for an invalid one, the longest valid prefix
  bool valid;
};

// The first character of `text`, which must not be empty.
Utf8Character first_utf8_character(std::string_view text);

// The position of the first byte that isn't UTF-8, or npos if all of `text` is.
std::size_t find_invalid_utf8(std::string_view text);

// `text` with each invalid sequence replaced by one U+FFFD, like browsers and Python's errors="replace";
// and each NUL too, if that is asked for.
std::string replace_invalid_utf8(std::string_view text, bool nul_too = false);

// `code` as UTF-8; U+FFFD for an invalid code (a surrogate, or above U+10FFFF).
std::string encode_utf8(char32_t code);

// Whether a terminal obeys `code` instead of showing it: control characters, line and paragraph separators,
// and what changes the direction of the text around it.
bool is_control(char32_t code);

// `text` for a terminal, with such characters and what is not UTF-8 as escapes: \n, \x1B, \u202E.
std::string visible(std::string_view text);

// Terminal columns: 0 for combining marks and invisible characters, 2 for wide East Asian characters and
// emoji, else 1.
// Covers the common scripts, not all of Unicode.
int display_width(char32_t code);

// The sum over the characters of `text`; an invalid sequence counts as one column.
std::size_t display_width(std::string_view text);

}  // namespace mininmt
