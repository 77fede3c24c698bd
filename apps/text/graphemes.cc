#include "apps/text/graphemes.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

#include "apps/text/grapheme_table.h"
#include "apps/text/utf8.h"

namespace mininmt {
namespace {

// Grapheme_Cluster_Break, and Extended_Pictographic, whose members have no other class.
enum class Break {
  kOther,
  kCr,
  kLf,
  kControl,
  kExtend,
  kZwj,
  kFlag,
  kPrepend,
  kMark,
  kL,
  kV,
  kT,
  kLv,
  kLvt,
  kEmoji
};

struct Class {
  grapheme::Range range;
  Break value;
};

std::vector<Class> sorted_classes() {
  std::vector<Class> all;
  const auto add = [&all](std::span<const grapheme::Range> ranges, Break value) {
    for (const grapheme::Range& range : ranges) all.push_back({range, value});
  };
  add(grapheme::kCr, Break::kCr);
  add(grapheme::kLf, Break::kLf);
  add(grapheme::kControl, Break::kControl);
  add(grapheme::kExtend, Break::kExtend);
  add(grapheme::kZwj, Break::kZwj);
  add(grapheme::kRegionalIndicator, Break::kFlag);
  add(grapheme::kPrepend, Break::kPrepend);
  add(grapheme::kSpacingMark, Break::kMark);
  add(grapheme::kL, Break::kL);
  add(grapheme::kV, Break::kV);
  add(grapheme::kT, Break::kT);
  add(grapheme::kExtendedPictographic, Break::kEmoji);
  std::sort(all.begin(), all.end(),
            [](const Class& a, const Class& b) { return a.range.first < b.range.first; });
  return all;
}

Break break_of(char32_t code) {
  if (code >= 0x20 && code < 0x7F) return Break::kOther;
  constexpr char32_t kFirstSyllable = 0xAC00, kLastSyllable = 0xD7A3, kFinals = 28;
  if (code >= kFirstSyllable && code <= kLastSyllable)
    return (code - kFirstSyllable) % kFinals == 0 ? Break::kLv : Break::kLvt;
  static const std::vector<Class> classes = sorted_classes();
  const auto after = std::upper_bound(classes.begin(), classes.end(), code,
                                      [](char32_t value, const Class& c) { return value < c.range.first; });
  return after != classes.begin() && code <= std::prev(after)->range.last ? std::prev(after)->value
                                                                          : Break::kOther;
}

bool is_control_break(Break b) { return b == Break::kControl || b == Break::kCr || b == Break::kLf; }

// Whether GB3 to GB9b keep two neighbours together.
bool are_together(Break a, Break b) {
  using enum Break;
  if (a == kCr && b == kLf) return true;
  if (is_control_break(a) || is_control_break(b)) return false;
  if (a == kL && (b == kL || b == kV || b == kLv || b == kLvt)) return true;
  if ((a == kLv || a == kV) && (b == kV || b == kT)) return true;
  if ((a == kLvt || a == kT) && b == kT) return true;
  return b == kExtend || b == kZwj || b == kMark || a == kPrepend;
}

}  // namespace

std::string_view first_grapheme(std::string_view text) {
  Utf8Character character = first_utf8_character(text);
  Break before = break_of(character.code);
  std::size_t end = character.bytes;
  int flags = before == Break::kFlag;  // so far, if there is nothing else
  // GB11: an emoji, what extends it, a joiner, the next emoji.
  bool is_emoji = before == Break::kEmoji, is_joined = false;
  for (; end < text.size(); end += character.bytes) {
    if (!character.valid) return text.substr(0, end);
    character = first_utf8_character(text.substr(end));
    const Break now = character.valid ? break_of(character.code) : Break::kControl;
    const bool is_pair_of_flags = flags == 1 && now == Break::kFlag;  // GB12, GB13
    if (!are_together(before, now) && !is_pair_of_flags && !(is_joined && now == Break::kEmoji)) break;
    flags = is_pair_of_flags ? 2 : before == Break::kPrepend && now == Break::kFlag ? 1 : 0;
    is_joined = is_emoji && now == Break::kZwj;
    is_emoji = now == Break::kEmoji || (is_emoji && now == Break::kExtend);
    before = now;
  }
  return text.substr(0, end);
}

}  // namespace mininmt
