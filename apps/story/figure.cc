#include "apps/story/figure.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string_view>

#include "apps/text/heatmap.h"
#include "apps/text/svg.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt::story {
namespace {

using namespace svg;

constexpr double kWidth = 1000, kMargin = 16;

// Colours that stay apart for colour-blind readers (Okabe and Ito 2008), without their yellow, which is too
// light for lines on white. Beyond seven systems they come again with other dashes and marks.
constexpr const char* kColors[] = {"#D55E00", "#E69F00", "#CC79A7", "#56B4E9",
                                   "#009E73", "#0072B2", "#000000"};
constexpr const char* kDashes[] = {"none", "7 4", "2 3"};

// How a system is drawn, by its place in the table.
struct LineLook {
  explicit LineLook(std::size_t i)
      : color(kColors[i % std::size(kColors)]),
        dashes(kDashes[i / std::size(kColors) % std::size(kDashes)]),
        filled(i / std::size(kColors) % 2 == 0) {}

  Look stroke(double width) const {
    return join("fill=\"none\" stroke=\"", color, "\" stroke-width=\"", coordinate(width),
                "\" stroke-dasharray=\"", dashes, "\"");
  }
  Look mark() const {
    return join("fill=\"", filled ? color : "#fff", "\" stroke=\"", color, "\" stroke-width=\"1.5\"");
  }

  const char* color;
  const char* dashes;
  bool filled;
};

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// The vertical axis: from 0 to `top` in steps of `step`.
struct Scale {
  explicit Scale(double largest) {
    for (const double candidate : {1, 2, 5, 10, 20}) {
      step = candidate;
      if (largest <= 6 * step) break;
    }
    top = step * std::max(1.0, std::ceil(largest / step));
  }
  double step, top;
};

// The chart of BLEU by source length; its corner is at (0, top).
class Chart {
 public:
  Chart(Svg& svg, const Story& story, double top)
      : svg_(svg), story_(story), scale_(largest(story)), top_(top + 56), bottom_(top_ + kHeight) {}

  // The y below it.
  double draw() {
    svg_.text({kMargin, top_ - 34}, "BLEU by source length", {.size = 16, .bold = true});
    draw_axes();
    for (std::size_t i = 0; i < story_.systems.size(); ++i) draw_line(i);
    draw_labels();
    return bottom_ + 64;
  }

 private:
  static constexpr double kLeft = 52, kRight = 780, kHeight = 380, kLabels = 822;

  static double largest(const Story& story) {
    double most = 0;
    for (const System& system : story.systems)
      for (const double bleu : system.scores.bleu_by_length) most = std::max(most, bleu);
    return most;
  }
  double x(std::size_t bin) const {
    return kLeft +
           (kRight - kLeft) * (static_cast<double>(bin) + 0.5) / static_cast<double>(story_.bins.size());
  }
  double y(double bleu) const { return bottom_ - kHeight * bleu / scale_.top; }

  void draw_axes() {
    for (int i = 0; i * scale_.step <= scale_.top; ++i) {
      const double at = y(i * scale_.step);
      svg_.line({kLeft, at}, {kRight, at}, i == 0 ? "stroke=\"#888\"" : "stroke=\"#e4e4e4\"");
      svg_.text({kLeft - 8, at + 4}, coordinate(i * scale_.step), {.anchor = "end", .color = "#555"});
    }
    svg_.text({kLeft - 8, top_ - 12}, "BLEU", {.anchor = "end", .color = "#555"});
    for (std::size_t b = 0; b < story_.bins.size(); ++b) {
      svg_.text({x(b), bottom_ + 18}, story_.bins[b].name(), {.anchor = "middle"});
      svg_.text({x(b), bottom_ + 33}, join("n = ", story_.bins[b].sentences),
                {.size = 10, .anchor = "middle", .color = "#777"});
    }
    svg_.text({(kLeft + kRight) / 2, bottom_ + 52}, "source words (n: sentences)",
              {.anchor = "middle", .color = "#555"});
  }

  void draw_line(std::size_t i) {
    std::vector<Point> points;
    for (std::size_t b = 0; b < story_.bins.size(); ++b)
      points.push_back({x(b), y(story_.systems[i].scores.bleu_by_length[b])});
    const LineLook look(i);
    svg_.path(points, look.stroke(2));
    for (const Point& point : points) svg_.circle(point, 3.5, look.mark());
  }

  // At the right end of each line, moved apart; a thin line leads to each.
  void draw_labels() {
    const std::size_t last = story_.bins.size() - 1;
    const auto end = [&](std::size_t i) { return story_.systems[i].scores.bleu_by_length[last]; };
    std::vector<std::size_t> order(story_.systems.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return end(a) > end(b); });
    std::vector<double> places;
    for (const std::size_t i : order) places.push_back(y(end(i)));
    places = spread(places, 17, top_ - 8, bottom_ + 8);
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::size_t i = order[k];
      const LineLook look(i);
      svg_.path({{x(last) + 5, y(end(i))}, {kRight + 6, places[k]}, {kLabels - 6, places[k]}},
                look.stroke(1));
      svg_.text({kLabels, places[k] + 4}, story_.systems[i].name + " " + one_decimal(end(i)));
    }
  }

  Svg& svg_;
  const Story& story_;
  Scale scale_;
  double top_, bottom_;
};

// The alignments of one sentence, in rows of panels.
class Panels {
 public:
  Panels(Svg& svg, const Story& story, double top) : svg_(svg), story_(story), y_(top) {
    std::size_t longest = 1;
    for (const System& system : story.systems) longest = std::max(longest, system.drawn.source.size());
    cell_ = std::clamp((kWidth - 2 * kMargin - kWords) / static_cast<double>(longest), 4.0, 14.0);
    const double width = kWords + cell_ * static_cast<double>(longest) + kGap;
    columns_ = std::max<std::size_t>(1, static_cast<std::size_t>((kWidth - 2 * kMargin + kGap) / width));
    pitch_ = (kWidth - 2 * kMargin + kGap) / static_cast<double>(columns_);
    size_ = std::min(11.0, cell_ * 0.85);
  }

  // The y below them.
  double draw() {
    svg_.text({kMargin, y_ + 20}, "One sentence: what each system looked at for each word it wrote",
              {.size = 16, .bold = true});
    svg_.text({kMargin, y_ + 38},
              "Columns: source words. Rows: the system's own translation. The darker, the more weight.",
              {.color = "#555"});
    y_ += 62;
    for (std::size_t i = 0; i < story_.systems.size(); i += columns_) {
      double below = y_;
      for (std::size_t k = i; k < std::min(i + columns_, story_.systems.size()); ++k)
        below = std::max(below, panel(kMargin + pitch_ * static_cast<double>(k - i), story_.systems[k]));
      y_ = below + 26;
    }
    return y_;
  }

 private:
  static constexpr double kWords = 92, kGap = 22, kHeads = 78;
  static constexpr std::size_t kMostColumns = 14;

  double panel(double left, const System& system) {
    svg_.text({left, y_}, system.name, {.size = 13, .bold = true});
    return system.drawn.alpha.empty() ? words_alone(left, system) : heatmap(left, system.drawn);
  }

  double heatmap(double left, const Heatmap& map) {
    const double top = y_ + kHeads;
    draw_heatmap(svg_, {map.alpha, map.target.size(), map.source.size()}, map.source, map.target,
                 {left + kWords, top}, {cell_, size_, kMostColumns});
    return top + cell_ * static_cast<double>(map.target.size());
  }

  // The translation of a system without alignment, in lines.
  double words_alone(double left, const System& system) {
    const double width = pitch_ - kGap;
    double y = y_ + 20;
    svg_.text({left, y}, "no alignment:", {.size = 11, .color = "#777"});
    svg_.text({left, y += 15}, system.what.substr(0, system.what.find(" (")), {.size = 11, .color = "#777"});
    y += 8;
    std::string line;
    for (const std::string& word : system.drawn.target) {
      if (word == "</s>") continue;
      const bool fits = static_cast<double>(display_width(line) + display_width(word) + 1) * 6.2 <= width;
      if (!line.empty() && !fits) {
        svg_.text({left, y += 16}, line);
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    svg_.text({left, y += 16}, line);
    return y;
  }

  Svg& svg_;
  const Story& story_;
  double y_, cell_ = 0, pitch_ = 0, size_ = 0;
  std::size_t columns_ = 1;
};

}  // namespace

std::vector<double> spread(std::vector<double> places, double distance, double top, double bottom) {
  if (places.empty()) return places;
  const double room = (bottom - top) / static_cast<double>(std::max<std::size_t>(places.size() - 1, 1));
  distance = std::min(distance, room);
  // Blocks of places that touch, each around the middle of where its places want to be.
  struct Block {
    double sum;  // of (wanted place - offset in the block)
    std::size_t size;
  };
  const auto start_of = [&](const Block& block) {
    const double length = distance * static_cast<double>(block.size - 1);
    return std::clamp(block.sum / static_cast<double>(block.size), top, std::max(top, bottom - length));
  };
  std::vector<Block> blocks;
  for (const double place : places) {
    blocks.push_back({place, 1});
    while (blocks.size() > 1) {
      const Block last = blocks.back(), before = blocks[blocks.size() - 2];
      const double length = distance * static_cast<double>(before.size);
      if (start_of(last) >= start_of(before) + length) break;
      blocks.pop_back();
      blocks.back() = {before.sum + last.sum - length * static_cast<double>(last.size),
                       before.size + last.size};
    }
  }
  std::size_t i = 0;
  for (const Block& block : blocks)
    for (std::size_t k = 0; k < block.size; ++k)
      places[i++] = start_of(block) + distance * static_cast<double>(k);
  return places;
}

std::string draw_figure(const Story& story) {
  Svg svg;
  double y = 0;
  if (!story.bins.empty() && !story.systems.empty()) y = Chart(svg, story, y).draw();
  if (!story.systems.empty()) y = Panels(svg, story, y).draw();
  return svg.document(kWidth, std::max(y, 1.0), story.title);
}

}  // namespace mininmt::story
