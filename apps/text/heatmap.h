// The alignment matrix as the paper's figure 3: columns are source words, rows are target words; the darker a
// cell, the more weight.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "apps/text/alignment_picture.h"
#include "apps/text/svg.h"

namespace mininmt::svg {

struct HeatmapLook {
  double cell = 14, text = 11;    // pixels: the side of a cell, the height of words
  std::size_t most_columns = 30;  // of a word; what is longer is cut
};

// Cells with their words before and above them; `corner` is where the first cell begins. Cells of 1% and more
// have a tooltip. Throws Error if the sizes don't match.
void draw_heatmap(Svg& svg, const AlignmentMatrix& matrix, std::span<const std::string> source,
                  std::span<const std::string> target, Point corner, const HeatmapLook& look);

struct Size {
  double width, height;
};

// The same with all room that it takes from `corner` on, in cells that get smaller with more words; returns
// the room.
Size draw_alignment_figure(Svg& svg, const AlignmentMatrix& matrix, std::span<const std::string> source,
                           std::span<const std::string> target, Point corner);

}  // namespace mininmt::svg
