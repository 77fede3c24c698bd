// The tokenization of raw text that sacreBLEU computes BLEU on.
#pragma once

#include <string>
#include <string_view>

namespace mininmt {

// `line` with spaces around punctuation, by the rules of mteval-v13a as sacreBLEU has them (tok:13a):
// entities of SGML become characters; all ASCII symbols but ' , - . stand alone, so do . and , unless between
// digits, and - after a digit. White space is left to split_at_unicode_space (bleu.h).
std::string tokenize_13a(std::string_view line);

}  // namespace mininmt
