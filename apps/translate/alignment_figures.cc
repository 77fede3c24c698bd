#include "apps/translate/alignment_figures.h"

#include <algorithm>

#include "apps/text/linked_weights.h"
#include "apps/text/xml_text.h"
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

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

AlignmentFigures::AlignmentFigures(const std::string& path) : is_html_(path.ends_with(".html")), file_(path) {
  if (is_html_) file_.write(kHead);
}

void AlignmentFigures::add(const Linked& source, const Linked& target, const AlignmentMatrix& matrix) {
  ++sentences_;
  if (matrix.alpha.empty()) return;
  const LinkedWeights weights(matrix, source, target);
  const std::vector<std::string> columns = weights.source_names(), rows = weights.target_names();
  if (!is_html_) {
    svg_.text({8, size_.height + 20}, join(sentences_), {.color = "#777"});
    const svg::Size room =
        svg::draw_alignment_figure(svg_, weights.matrix(), columns, rows, {0, size_.height});
    size_ = {std::max(size_.width, room.width), size_.height + room.height + 16};
    return;
  }
  svg_ = {};
  size_ = svg::draw_alignment_figure(svg_, weights.matrix(), columns, rows, {0, 0});
  file_.write(join("<figure><figcaption><b>", sentences_, "</b><bdi>", xml_text(joined(target.names)),
                   "</bdi></figcaption>\n", svg_.document(size_.width, size_.height, kTitle), "</figure>\n"));
}

void AlignmentFigures::save() {
  file_.write(is_html_ ? "</body></html>\n"
                       : svg_.document(std::max(size_.width, 1.0), std::max(size_.height, 1.0), kTitle));
  file_.commit();
}

}  // namespace mininmt
