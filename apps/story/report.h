// The story in words and tables, as Markdown and as one HTML file.
#pragma once

#include <string>
#include <vector>

#include "apps/story/story.h"

namespace mininmt::story {

// A header and rows of as many cells.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  std::string markdown() const;  // columns of even width; the first to the left, the others to the right
  std::string html() const;
};

// A row for each system: BLEU, chrF, perplexity, alignment error rates if any system has them, parameters,
// speeds, minutes.
Table table_of_systems(const Story& story);

// A row for each system: BLEU in each bin, and how much it changes from the first to the last.
Table table_of_lengths(const Story& story);

// `figure` is the name of the SVG file beside it.
std::string markdown_report(const Story& story, const std::string& figure);

// `figure` is the SVG document itself: the file needs no other.
std::string html_report(const Story& story, const std::string& figure);

}  // namespace mininmt::story
