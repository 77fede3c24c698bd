#include "apps/text/svg.h"

#include <cstdio>
#include <utility>

#include "apps/text/xml_text.h"
#include "tensor/error.h"

namespace mininmt::svg {
namespace {

std::string place(const char* x, const char* y, Point at) {
  return join(x, "=\"", coordinate(at.x), "\" ", y, "=\"", coordinate(at.y), "\" ");
}

}  // namespace

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string shortest = text;
  while (shortest.back() == '0') shortest.pop_back();
  if (shortest.back() == '.') shortest.pop_back();
  return shortest == "-0" ? "0" : shortest;
}

void Svg::line(Point from, Point to, const Look& look) {
  shapes_ += "<line " + place("x1", "y1", from) + place("x2", "y2", to) + look + "/>\n";
}

void Svg::path(const std::vector<Point>& points, const Look& look) {
  shapes_ += "<polyline points=\"";
  for (const Point& point : points) shapes_ += join(coordinate(point.x), ",", coordinate(point.y), " ");
  shapes_ += "\" " + look + "/>\n";
}

void Svg::rectangle(Point corner, double width, double height, const Look& look, std::string_view title) {
  shapes_ += join("<rect ", place("x", "y", corner), "width=\"", coordinate(width), "\" height=\"",
                  coordinate(height), "\" ", look);
  shapes_ += title.empty() ? "/>\n" : join("><title>", xml_text(title), "</title></rect>\n");
}

void Svg::circle(Point center, double radius, const Look& look) {
  shapes_ += join("<circle ", place("cx", "cy", center), "r=\"", coordinate(radius), "\" ", look, "/>\n");
}

void Svg::text(Point at, std::string_view text, const TextLook& look) {
  shapes_ += join("<text ", place("x", "y", at), "font-size=\"", coordinate(look.size), "\" fill=\"",
                  look.color, "\"");
  if (std::string_view(look.anchor) != "start") shapes_ += join(" text-anchor=\"", look.anchor, "\"");
  if (look.bold) shapes_ += " font-weight=\"bold\"";
  if (look.turned != 0)
    shapes_ += join(" transform=\"rotate(", coordinate(look.turned), " ", coordinate(at.x), " ",
                    coordinate(at.y), ")\"");
  shapes_ += join(">", xml_text(text), "</text>\n");
}

std::string Svg::document(double width, double height, std::string_view title) const {
  return begin(width, height, title) + shapes_ + end();
}

std::string Svg::begin(double width, double height, std::string_view title) {
  const std::string w = coordinate(width), h = coordinate(height);
  return join(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", w, "\" height=\"", h, "\" viewBox=\"0 0 ", w, " ",
      h, "\" role=\"img\" font-family=\"system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n",
      "<title>", xml_text(title), "</title>\n<rect width=\"", w, "\" height=\"", h, "\" fill=\"#fff\"/>\n");
}

std::string Svg::take_shapes() { return std::exchange(shapes_, {}); }

}  // namespace mininmt::svg
