// --alignment-picture: a figure of each sentence's alignment in one file, SVG or HTML.
#pragma once

#include <optional>
#include <string>

#include "apps/text/heatmap.h"
#include "apps/text/units.h"
#include "tensor/atomic_file.h"

namespace mininmt {

class AlignmentFigures {
 public:
  // `path` ends in .svg or .html. The file is there once save() has been called; until then an old one stays.
  // Throws IoError.
  explicit AlignmentFigures(const std::string& path);

  // The next sentence, whose units `source` and `target` link to words; `matrix` as in LinkedWeights. An
  // empty matrix is a sentence without a figure. In an SVG file the figures stand below each other, and in
  // memory until they are saved.
  void add(const Linked& source, const Linked& target, const AlignmentMatrix& matrix);

  void save();

 private:
  bool is_html_;
  AtomicFile file_;
  std::size_t sentences_ = 0;
  svg::Svg svg_;  // all figures so far; in HTML the current one
  svg::Size size_{0, 0};
};

}  // namespace mininmt
