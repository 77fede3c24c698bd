// The alignment matrix (MODEL.md 2): a terminal picture, and the formats of --alignment.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "apps/text/alignment_error.h"

namespace mininmt {

// alpha of one sentence, row-major, (target_length, source_length): row i has the weights, which sum to 1, of
// the source annotations when target word i was predicted. The last source word is </s>; so is the last
// target word, unless the translation was cut off.
struct AlignmentMatrix {
  std::span<const float> alpha;
  std::size_t target_length, source_length;
};

// The rows of a matrix in one piece.
std::vector<float> flat(const std::vector<std::vector<float>>& rows);

struct PictureOptions {
  std::size_t width = 80;  // columns of the terminal
  bool ascii = false;      // draw with ASCII only (words are unchanged)
  bool color = false;      // highlight aligned words with ANSI colours
};

// The matrix as text: a row per target word, a column per source word, cells shaded by weight, the maximum of
// each row marked. Column heads are staggered, so that all words read horizontally:
//
//                 the
//                 │ European
//                 │ │ Economic
//                 │ │ │ Area
//              la ◆▓· · ▒▒  60% the
//            zone · · · ◆█  95% Area
//      économique · ░░◆█·   80% Economic
//      européenne · ◆▓▒▒·   55% European
//
// Sentences that are too wide are drawn with narrower cells, then in several panels. Words that are too wide
// are cut; control characters are replaced. Throws Error if the sizes don't match.
std::string draw_alignment(const AlignmentMatrix& matrix, std::span<const std::string> source,
                           std::span<const std::string> target, PictureOptions options = {});

// Links each target word to the source word of maximum weight, the first of equals. `target_words` is the
// number of target words without </s>, which is not linked; nor are words whose maximum is the source's </s>.
// Throws Error if the sizes don't match.
AlignmentLinks hard_links(const AlignmentMatrix& matrix, std::size_t target_words);

// Links each target word to all source words of at least this weight, but for the </s>. Throws as hard_links.
AlignmentLinks links_from(const AlignmentMatrix& matrix, std::size_t target_words, double least);

// "0.9,0.1,0 0.2,0.7,0.1": for each target word and </s>, the weights of all source words and </s>. Throws
// Error if the sizes don't match.
std::string format_soft_alignment(const AlignmentMatrix& matrix);

}  // namespace mininmt
