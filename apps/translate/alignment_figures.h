// --alignment-picture: a figure of each sentence's alignment in one file, SVG or HTML.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "apps/text/heatmap.h"
#include "apps/text/units.h"

namespace mininmt {

class AlignmentFigures {
 public:
  // `path` ends in .svg or .html. The file is there once save() has been called; until then an old one stays,
  // and the figures are in a temporary file without a name. Throws IoError, as all members do, also where the
  // file can't be made later.
  explicit AlignmentFigures(const std::string& path);

  // The next sentence: its translation, and what its units link. `matrix` is as in LinkedWeights; an empty
  // one is a sentence without a figure. Sentences are numbered from 1.
  void add(std::string_view translation, const Linked& source, const Linked& target,
           const AlignmentMatrix& matrix);

  void save();

 private:
  void write(const std::string& text);

  std::string path_;
  bool is_html_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> figures_;
  std::size_t sentences_ = 0;
  svg::Size size_{1, 1};  // of all figures, which stand below each other in SVG
};

}  // namespace mininmt
