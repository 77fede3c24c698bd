// The figure of a story: BLEU by source length, and the alignments of a sentence.
#pragma once

#include <string>
#include <vector>

#include "apps/story/story.h"

namespace mininmt::story {

// Both parts as an SVG document. A part that has nothing to draw is left out.
std::string draw_figure(const Story& story);

// Moves places (y, ascending) apart to at least `distance`, as little as that takes, between `top` and
// `bottom`; closer together if there is no room.
std::vector<double> spread(std::vector<double> places, double distance, double top, double bottom);

}  // namespace mininmt::story
