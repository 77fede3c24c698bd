#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "apps/text/alignment_picture.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using Words = std::vector<std::string>;

const Words kSource = {"the", "European", "Economic", "Area", "</s>"};
const Words kTarget = {"la", "zone", "économique", "européenne", "</s>"};
const std::vector<float> kAlpha = {
    0.60f, 0.05f, 0.05f, 0.30f, 0.00f,  //
    0.02f, 0.02f, 0.01f, 0.95f, 0.00f,  //
    0.00f, 0.20f, 0.80f, 0.00f, 0.00f,  //
    0.00f, 0.55f, 0.45f, 0.00f, 0.00f,  //
    0.00f, 0.00f, 0.00f, 0.10f, 0.90f,
};
const AlignmentMatrix kMatrix = {kAlpha, 5, 5};

Words lines_of(const std::string& text) {
  std::istringstream stream(text);
  Words lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("the picture of a small sentence") {
  CHECK(draw_alignment(kMatrix, kSource, kTarget) ==
        "           the\n"
        "           │ European\n"
        "           │ │ Economic\n"
        "           │ │ │ Area\n"
        "           │ │ │ │ </s>\n"
        "        la ◆▓· · ▒▒·    60% the\n"
        "      zone · · · ◆█·    95% Area\n"
        "économique · ░░◆█· ·    80% Economic\n"
        "européenne · ◆▓▒▒· ·    55% European\n"
        "      </s> · · · ░░◆█   90% </s>\n"
        "\n"
        "           ◆ largest of its row   ░ 0.1  ▒ 0.25  ▓ 0.5  █ 0.75 or more\n");
}

TEST_CASE("with ASCII alone") {
  CHECK(draw_alignment(kMatrix, kSource, kTarget, {.width = 28, .ascii = true}) ==
        "        the\n"
        "        | European\n"
        "        | | Economic\n"
        "        | | | Area\n"
        "        | | | | </s>\n"
        "     la @+    ::\n"
        "   zone       @#\n"
        "économ~   ..@#\n"
        "europé~   @+::\n"
        "   </s>       ..@#\n"
        "\n"
        "        @ largest of its row   . 0.1  : 0.25  + 0.5  # 0.75 or more\n");
}

TEST_CASE("colours are put around the largest cells and change nothing else") {
  std::string colored = draw_alignment(kMatrix, kSource, kTarget, {.color = true});
  CHECK(colored.find("\x1b[1;33m◆█\x1b[0m") != std::string::npos);
  for (const std::string code : {"\x1b[1;33m", "\x1b[0m"}) {
    for (auto at = colored.find(code); at != std::string::npos; at = colored.find(code))
      colored.erase(at, code.size());
  }
  CHECK(colored == draw_alignment(kMatrix, kSource, kTarget));
}

// A square matrix with a diagonal alignment and words of the given length.
struct Diagonal {
  Words words;
  std::vector<float> alpha;
  AlignmentMatrix matrix;

  Diagonal(std::size_t length, std::size_t word_length)
      : words(length, std::string(word_length, 'w')),
        alpha(length * length, 0.0f),
        matrix{alpha, length, length} {
    for (std::size_t i = 0; i < length; ++i) alpha[i * length + i] = 1;
    matrix.alpha = alpha;
  }
};

TEST_CASE("no line is wider than the terminal, and each word is marked once, at any length") {
  for (const std::size_t length : {1, 2, 10, 26, 30, 45, 60, 100, 150}) {
    for (const std::size_t word_length : {1, 5, 12, 60}) {
      for (const std::size_t width : {60, 80, 200}) {
        CAPTURE(length);
        CAPTURE(word_length);
        CAPTURE(width);
        const Diagonal d(length, word_length);
        const auto lines =
            lines_of(draw_alignment(d.matrix, d.words, d.words, {.width = width, .ascii = true}));
        std::size_t marks = 0, widest = 0;
        for (std::size_t i = 0; i + 1 < lines.size(); ++i) {  // the last line is the legend
          marks += static_cast<std::size_t>(std::count(lines[i].begin(), lines[i].end(), '@'));
          widest = std::max(widest, display_width(lines[i]));
        }
        CHECK(marks == length);
        CHECK(widest <= width);
      }
    }
  }
}

TEST_CASE("a long sentence gets narrow cells, then panels") {
  const auto count_lines = [](std::size_t length) {
    const Diagonal d(length, 3);
    return lines_of(draw_alignment(d.matrix, d.words, d.words)).size();
  };
  CHECK(count_lines(36) == 36 + 36 + 2);         // cells of width two
  CHECK(count_lines(60) == 60 + 60 + 2);         // of width one
  CHECK(count_lines(100) == 100 + 300 + 2 + 2);  // three panels: all column heads once, rows three times
}

TEST_CASE("wide characters line up, and control characters can't reach the terminal") {
  const Words target = {"日本", "a\x1b[2J", "c", "e\u0301", "</s>"};
  const auto lines = lines_of(draw_alignment(kMatrix, kSource, target));
  REQUIRE(lines.size() == 12);
  CHECK(lines[5].starts_with(" 日本 ◆▓"));
  CHECK(lines[6].starts_with("a\uFFFD[2J · · · ◆█"));
  CHECK(lines[8].starts_with("    e\u0301 · ◆▓"));
}

TEST_CASE("no control character of a word reaches the picture, on either side") {
  for (char32_t code = 0; code <= 0x2069; ++code) {
    const bool reorders = (code >= 0x202A && code <= 0x202E) || code >= 0x2066;
    const bool is_refused = code < 0x20 || (code >= 0x7F && code < 0xA0) || reorders;
    if (!is_refused || code == '\n') continue;
    const std::string control = encode_utf8(code);
    const Words words = {"a" + control, control, "c", control + "d", "</s>"};
    for (const bool ascii : {true, false}) {
      const std::string picture = draw_alignment(kMatrix, words, words, {.ascii = ascii});
      CHECK_MESSAGE(picture.find(control) == std::string::npos, static_cast<unsigned>(code));
      CHECK(picture.find("a\uFFFD") != std::string::npos);
    }
  }
}

TEST_CASE("hard alignment: the largest weight of each target word, without either </s>") {
  CHECK(format_links(hard_links(kMatrix, 4)) == "0-0 3-1 2-2 1-3");
  CHECK(format_links(hard_links(kMatrix, 5)) == "0-0 3-1 2-2 1-3");  // the last word is aligned to </s>
  CHECK(format_links(hard_links(kMatrix, 0)).empty());
  const std::vector<float> alpha = {0.1f, 0.2f, 0.7f, 0.4f, 0.4f, 0.2f};
  CHECK(format_links(hard_links({alpha, 2, 3}, 2)) == "0-1");  // word 0 to </s>; of equals the first
  CHECK_THROWS_AS(format_links(hard_links(kMatrix, 6)), Error);
}

TEST_CASE("soft alignment: all weights, a group a target word") {
  const std::vector<float> alpha = {0.25f, 0.75f, 0.0f, 1.0f, 1e-7f, 0.333333343f};
  CHECK(format_soft_alignment({alpha, 3, 2}) == "0.25,0.75 0,1 1e-07,0.333333");
  CHECK(format_soft_alignment({alpha, 2, 3}) == "0.25,0.75,0 1,1e-07,0.333333");
}

TEST_CASE("sizes that don't fit are refused, odd weights are drawn") {
  CHECK_THROWS_AS(draw_alignment({kAlpha, 4, 5}, kSource, kTarget), Error);
  CHECK_THROWS_AS(draw_alignment(kMatrix, kTarget, Words{"a"}), Error);
  CHECK_THROWS_AS(format_soft_alignment({kAlpha, 5, 4}), Error);
  CHECK_THROWS_AS(format_links(hard_links({{}, 0, 0}, 0)), Error);
  std::vector<float> odd(25, std::numeric_limits<float>::quiet_NaN());
  odd[3] = std::numeric_limits<float>::infinity();
  odd[7] = -1;
  CHECK(lines_of(draw_alignment({odd, 5, 5}, kSource, kTarget)).size() == 12);
}

}  // namespace
}  // namespace mininmt
