#include "apps/text/heatmap.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt::svg {
namespace {

constexpr double kTurn = 60;           // degrees, of the source words
constexpr double kColumnWidth = 0.62;  // of a character, in its height

// White to dark blue, by weight; each step of it is also darker.
std::string shade(float weight) {
  const double w = std::isfinite(weight) ? std::clamp(static_cast<double>(weight), 0.0, 1.0) : 0;
  const auto mix = [&](int from, int to) { return static_cast<int>(std::lround(from + (to - from) * w)); };
  char text[16];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", mix(246, 8), mix(248, 48), mix(251, 107));
  return text;
}

std::string shortened(const std::string& word, std::size_t most) {
  if (display_width(word) <= most) return word;
  std::string cut;
  for (std::string_view rest = word; !rest.empty();) {
    const Utf8Character first = first_utf8_character(rest);
    if (display_width(cut) + display_width(first.code) + 1 > most) break;
    cut += rest.substr(0, first.bytes);
    rest.remove_prefix(first.bytes);
  }
  return cut + "…";
}

// Of the longest word as it is drawn.
double longest(std::span<const std::string> words, const HeatmapLook& look) {
  std::size_t most = 0;
  for (const std::string& word : words) most = std::max(most, display_width(word));
  return static_cast<double>(std::min(most, look.most_columns)) * kColumnWidth * look.text;
}

}  // namespace

void draw_heatmap(Svg& svg, const AlignmentMatrix& matrix, std::span<const std::string> source,
                  std::span<const std::string> target, Point corner, const HeatmapLook& look) {
  if (source.size() != matrix.source_length || target.size() != matrix.target_length ||
      matrix.alpha.size() != source.size() * target.size())
    throw Error(join("heatmap: ", matrix.alpha.size(), " weights of ", target.size(), " by ", source.size(),
                     " words"));
  const double gap = 0.05 * look.cell;
  const auto place = [&](std::size_t i) { return look.cell * static_cast<double>(i); };
  for (std::size_t j = 0; j < source.size(); ++j)
    svg.text({corner.x + place(j) + 0.7 * look.cell, corner.y - 4}, shortened(source[j], look.most_columns),
             {.size = look.text, .turned = -kTurn});
  for (std::size_t i = 0; i < target.size(); ++i) {
    svg.text({corner.x - 5, corner.y + place(i) + 0.78 * look.cell}, shortened(target[i], look.most_columns),
             {.size = look.text, .anchor = "end"});
    for (std::size_t j = 0; j < source.size(); ++j) {
      const float weight = matrix.alpha[i * source.size() + j];
      const std::string tooltip =
          weight >= 0.01f ? join(target[i], " – ", source[j], ": ", std::lround(100 * weight), "%") : "";
      svg.rectangle({corner.x + place(j), corner.y + place(i)}, look.cell - gap, look.cell - gap,
                    "fill=\"" + shade(weight) + "\"", tooltip);
    }
  }
}

Size draw_alignment_figure(Svg& svg, const AlignmentMatrix& matrix, std::span<const std::string> source,
                           std::span<const std::string> target, Point corner) {
  HeatmapLook look;
  look.cell = std::clamp(900 / static_cast<double>(std::max<std::size_t>(source.size(), 1)), 8.0, 18.0);
  look.text = std::min(13.0, 0.85 * look.cell);
  constexpr double kRadians = kTurn / 180 * 3.14159265358979, kEdge = 8;
  const double before = longest(target, look) + 5 + kEdge, head = longest(source, look);
  const Point first = {corner.x + before, corner.y + kEdge + head * std::sin(kRadians) + look.text};
  draw_heatmap(svg, matrix, source, target, first, look);
  const double columns = look.cell * static_cast<double>(source.size()),
               rows = look.cell * static_cast<double>(target.size());
  return {before + columns + head * std::cos(kRadians) + kEdge, first.y - corner.y + rows + kEdge};
}

}  // namespace mininmt::svg
