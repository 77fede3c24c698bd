// The alignment matrix (MODEL.md 2): a picture for the terminal, and the formats of --alignment.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace mininmt {

// alpha of one sentence, row-major, (target_length, source_length): in row i the weights, which sum to 1,
// that the annotations of the source had when target word i was chosen. The source's last word is </s>; so is
// the target's, unless its translation was cut off.
struct AlignmentMatrix {
  std::span<const float> alpha;
  std::size_t target_length, source_length;
};

struct PictureOptions {
  std::size_t width = 80;  // columns of the terminal
  bool ascii = false;      // draw with ASCII characters alone (the words stay as they are)
  bool color = false;      // with ANSI colours: the words that are aligned stand out further
};

// The matrix as lines of text: a row a target word, a column a source word, cells shaded by their weight, the
// largest of each row marked. The heads of the columns go down in steps, so that all words read horizontally:
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
// A sentence too wide is drawn with narrower cells, then in panels one below the other. Words that are too
// wide are cut; control characters are replaced. Throws Error where the sizes don't fit.
std::string draw_alignment(const AlignmentMatrix& matrix, std::span<const std::string> source,
                           std::span<const std::string> target, PictureOptions options = {});

// Pharaoh's format: "0-0 1-2 2-1", a pair source-target a target word, with the source word of the largest
// weight. `target_words` is the number of target words without </s>, which isn't written; nor are words
// aligned to the source's </s>. Throws Error where the sizes don't fit.
std::string format_hard_alignment(const AlignmentMatrix& matrix, std::size_t target_words);

// "0.9,0.1,0 0.2,0.7,0.1": a group a target word, </s> too, of the weights of all source words, </s> too.
// Throws Error where the sizes don't fit.
std::string format_soft_alignment(const AlignmentMatrix& matrix);

}  // namespace mininmt
