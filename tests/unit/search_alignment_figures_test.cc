// --alignment-picture: figures of alignments in SVG and HTML.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/text/heatmap.h"
#include "apps/translate/alignment_figures.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/text_well_formed.h"

namespace mininmt {
namespace {

Linked words_of(const std::vector<std::string>& names) {
  Linked linked{names, {}};
  for (std::size_t i = 0; i < names.size(); ++i) linked.of_unit.push_back(i);
  return linked;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Two sentences with an empty line between them; words that would be markup.
std::string drawn(const std::string& name) {
  const TemporaryFolder folder;
  const std::vector<float> square = {0.9f, 0.1f, 0, 0, 1, 0, 0, 0.25f, 0.75f}, row = {0.004f, 0.996f};
  AlignmentFigures figures(folder.path(name));
  figures.add("a&b cat", words_of({"<b>", "chat"}), words_of({"a&b", "cat"}), {square, 3, 3});
  figures.add("", {}, {}, {});
  figures.add("yes", words_of({"oui"}), words_of({"yes"}), {row, 1, 2});  // cut off: no row for </s>
  CHECK(!std::filesystem::exists(folder.path(name)));
  figures.save();
  return read_whole(folder.path(name));
}

TEST_CASE("an SVG file has all figures below each other") {
  const std::string svg = drawn("all.svg");
  CHECK(is_well_formed(svg));
  CHECK(count(svg, "<svg ") == 1);
  CHECK(count(svg, "fill=\"#08306b\"") == 1);                         // the weight 1
  CHECK(count(svg, "<title>a&amp;b – &lt;b&gt;: 90%</title>") == 1);  // 1% and more have a tooltip
  CHECK(count(svg, "<rect ") == 1 + 9 + 2);                           // the paper, and cells
  CHECK(count(svg, "</title></rect>") == 6);
  CHECK(count(svg, ">1</text>") + count(svg, ">3</text>") == 2);
  CHECK(count(svg, ">2</text>") == 0);
}

TEST_CASE("an HTML file has a figure for each, with its number and the translation") {
  const std::string html = drawn("all.html");
  CHECK(count(html, "<svg ") == 2);
  CHECK(count(html, "<figcaption><b>1</b><bdi>a&amp;b cat</bdi>") == 1);
  CHECK(count(html, "<figcaption><b>3</b><bdi>yes</bdi>") == 1);
  CHECK(count(html, "</html>") == 1);
  CHECK(count(html, "http") == count(html, "http://www.w3.org/2000/svg"));  // nothing from outside
}

TEST_CASE("a heatmap of sizes that don't match is refused") {
  svg::Svg svg;
  const std::vector<float> alpha(6);
  const std::vector<std::string> two = {"a", "b"}, three = {"c", "d", "e"};
  CHECK_NOTHROW(svg::draw_heatmap(svg, {alpha, 2, 3}, three, two, {0, 0}, {}));
  CHECK_THROWS_AS(svg::draw_heatmap(svg, {alpha, 2, 3}, two, three, {0, 0}, {}), Error);
  CHECK_THROWS_AS(svg::draw_heatmap(svg, {alpha, 3, 3}, three, three, {0, 0}, {}), Error);
}

TEST_CASE("more words get smaller cells, down to a size that can be read") {
  const auto room = [](std::size_t words) {
    svg::Svg svg;
    const std::vector<float> alpha(words * words);
    const std::vector<std::string> names(words, "word");
    return svg::draw_alignment_figure(svg, {alpha, words, words}, names, names, {0, 0});
  };
  CHECK(room(5).width < 200);
  CHECK(room(60).width < 1000);
  CHECK(room(60).height < 1000);
  CHECK(room(500).width > 500 * 8);
}

}  // namespace
}  // namespace mininmt
