// Writes SVG: shapes and text, as text. Coordinates in pixels, y downwards.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mininmt::svg {

// "12.5", "3": at most two decimals.
std::string coordinate(double value);

struct Point {
  double x, y;
};

// How lines and shapes are drawn: SVG's attributes, as "stroke='#000' fill='none'".
using Look = std::string;

struct TextLook {
  double size = 12;
  const char* anchor = "start";  // or middle, end
  const char* color = "#222";
  bool bold = false;
  double turned = 0;  // degrees, clockwise around the point
};

class Svg {
 public:
  void line(Point from, Point to, const Look& look);
  void path(const std::vector<Point>& points, const Look& look);
  // With a tooltip unless `title` is empty.
  void rectangle(Point corner, double width, double height, const Look& look, std::string_view title = "");
  void circle(Point center, double radius, const Look& look);
  void text(Point at, std::string_view text, const TextLook& look = {});

  // All of it as a document of this size; the title is what screen readers read.
  std::string document(double width, double height, std::string_view title) const;

  // The same in pieces: what comes before all shapes, the shapes so far, which are forgotten, and what comes
  // after.
  static std::string begin(double width, double height, std::string_view title);
  std::string take_shapes();
  static std::string end() { return "</svg>\n"; }

 private:
  std::string shapes_;
};

}  // namespace mininmt::svg
