// Grapheme clusters: what people take for one character, however many code points it has: a letter with its
// accents, a syllable of Hangul, a flag, a family of emoji. The rules of Unicode 15.0 (UAX 29, GB3 to GB13).
#pragma once

#include <string_view>

namespace mininmt {

// The first grapheme cluster of `text`, which must not be empty. A byte that isn't UTF-8 is one of its own.
std::string_view first_grapheme(std::string_view text);

}  // namespace mininmt
