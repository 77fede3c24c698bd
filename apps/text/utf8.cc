#include "apps/text/utf8.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace mininmt {
namespace {

struct Range {
  char32_t first, last;
};

// Combining marks and invisible characters, in ascending order.
constexpr Range kZeroWidth[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5}, {0x05C7, 0x05C7}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670},
    {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED}, {0x0900, 0x0902},
    {0x093A, 0x093A}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0951, 0x0957},
    {0x0962, 0x0963}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1160, 0x11FF},
    {0x1AB0, 0x1ACE}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
    {0x20D0, 0x20F0}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};

// Characters two columns wide, in ascending order.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x3098},   {0x309B, 0x33FF},
                           {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF},   {0xFE30, 0xFE6B},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
                           {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FC}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
                           {0x20000, 0x3FFFD}};

template <std::size_t N>
bool contains(const Range (&ranges)[N], char32_t code) {
  const auto after = std::upper_bound(std::begin(ranges), std::end(ranges), code,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return after != std::begin(ranges) && code <= std::prev(after)->last;
}

}  // namespace

Utf8Character first_utf8_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t following = lead >= 0xC2 && lead <= 0xDF   ? 1
                                : lead >= 0xE0 && lead <= 0xEF ? 2
                                : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                               : 0;
  if (following == 0) return {kReplacementCharacter, 1, false};
  // After four of the leads the second byte has a narrower range: no overlong forms (E0, F0), no surrogates
  // (ED), nothing above U+10FFFF (F4).
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t code = lead & (0x3Fu >> following);
  for (std::size_t i = 1; i <= following; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {kReplacementCharacter, i, false};
    code = code << 6 | (byte(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code, following + 1, true};
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character character = first_utf8_character(text.substr(at));
    if (!character.valid) return at;
    at += character.bytes;
  }
  return std::string_view::npos;
}

std::string replace_invalid_utf8(std::string_view text, bool nul_too) {
  std::string repaired;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    if (character.valid && !(nul_too && character.code == 0)) {
      repaired += text.substr(0, character.bytes);
    } else {
      repaired += encode_utf8(kReplacementCharacter);
    }
    text.remove_prefix(character.bytes);
  }
  return repaired;
}

std::string encode_utf8(char32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = kReplacementCharacter;
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  const auto lead = [code](unsigned mark, int shift) { return static_cast<char>(mark | code >> shift); };
  if (code < 0x80) return {lead(0, 0)};
  if (code < 0x800) return {lead(0xC0, 6), tail(0)};
  if (code < 0x10000) return {lead(0xE0, 12), tail(6), tail(0)};
  return {lead(0xF0, 18), tail(12), tail(6), tail(0)};
}

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string visible(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const std::string_view bytes = text.substr(0, character.bytes);
    std::array<char, 8> escape{};
    if (character.valid && !is_control(character.code)) {
      shown += bytes;
    } else if (bytes == "\n" || bytes == "\t" || bytes == "\r") {
      shown += bytes == "\n" ? "\\n" : bytes == "\t" ? "\\t" : "\\r";
    } else if (character.valid && character.code >= 0x80) {
      std::snprintf(escape.data(), escape.size(), "\\u%04X", static_cast<unsigned>(character.code & 0xFFFF));
      shown += escape.data();
    } else {
      for (const char byte : bytes) {
        std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<unsigned>(byte & 0xFF));
        shown += escape.data();
      }
    }
    text.remove_prefix(character.bytes);
  }
  return shown;
}

int display_width(char32_t code) {
  if (code < 0x0300) return 1;
  if (contains(kZeroWidth, code)) return 0;
  return contains(kWide, code) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    width += static_cast<std::size_t>(display_width(character.code));
    text.remove_prefix(character.bytes);
  }
  return width;
}

}  // namespace mininmt
