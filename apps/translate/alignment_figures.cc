#include "apps/translate/alignment_figures.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "apps/options/clashes.h"
#include "apps/text/linked_weights.h"
#include "apps/text/xml_text.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kTitle[] = "Alignments: columns are source words, rows are target words";

constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Alignments</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; margin: 1.5rem auto; max-width: 70rem; padding: 0 1rem; }
figure { margin: 0 0 2.5rem; overflow-x: auto; break-inside: avoid; }
figcaption { margin-bottom: .4rem; }
b { color: #777; font-weight: normal; margin-right: .6em; }
@media print { body { margin: 0; max-width: none; } figure { overflow: visible; } svg { max-width: 100%; height: auto; } }
</style></head><body>
<h1>Alignments</h1>
<p>Columns are source words, rows are the words of the translation. The darker, the more weight.</p>
)";

[[noreturn]] void fail() {
  throw IoError(join("a temporary file for the figures of alignments: ", std::strerror(errno)));
}

// A link is followed; other names stay as they are in messages.
std::string followed(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_symlink(path, ignored) ? place_of(path).string() : path;
}

}  // namespace

AlignmentFigures::AlignmentFigures(const std::string& path)
    : path_(followed(path)),
      is_html_(path.ends_with(".html")),
      figures_(std::tmpfile(), [](std::FILE* file) { return file == nullptr ? 0 : std::fclose(file); }) {
  if (!figures_) fail();
  const AtomicFile trial(path_);
}

void AlignmentFigures::write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), figures_.get()) != text.size()) fail();
}

void AlignmentFigures::add(std::string_view translation, const Linked& source, const Linked& target,
                           const AlignmentMatrix& matrix) {
  ++sentences_;
  if (matrix.alpha.empty()) return;
  const LinkedWeights weights(matrix, source, target);
  svg::Svg figure;
  const svg::Point corner{0, is_html_ ? 0 : size_.height};
  const svg::Size room = svg::draw_alignment_figure(figure, weights.matrix(), weights.source_names(),
                                                    weights.target_names(), corner);
  if (is_html_) {
    write(join("<figure><figcaption><b>", sentences_, "</b><bdi>", xml_text(translation),
               "</bdi></figcaption>\n", figure.document(room.width, room.height, kTitle), "</figure>\n"));
    return;
  }
  figure.text({8, size_.height + 20}, join(sentences_), {.color = "#777"});
  size_ = {std::max(size_.width, room.width), size_.height + room.height + 16};
  write(figure.take_shapes());
}

void AlignmentFigures::save() {
  if (std::fflush(figures_.get()) != 0) fail();  // rewind would forget it
  AtomicFile file(path_);
  file.write(is_html_ ? kHead : svg::Svg::begin(size_.width, size_.height, kTitle));
  std::rewind(figures_.get());
  std::vector<char> piece(1 << 16);
  for (std::size_t read; (read = std::fread(piece.data(), 1, piece.size(), figures_.get())) > 0;)
    file.write({piece.data(), read});
  if (std::ferror(figures_.get()) != 0) fail();
  file.write(is_html_ ? "</body></html>\n" : svg::Svg::end());
  file.commit();
}

}  // namespace mininmt
