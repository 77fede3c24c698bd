#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "apps/story/figure.h"
#include "apps/story/report.h"
#include "apps/story/story.h"
#include "apps/text/svg.h"
#include "apps/text/xml_text.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/text_well_formed.h"

namespace mininmt::story {
namespace {

constexpr char kHostile[] = "</title><script>alert(1)</script>&\"'|\x1b[2J\u202e\xff";

// Two systems and twenty sentences of two words, then of eleven.
Story make_story() {
  Story story{"A <title>", "All & sundry.", 40,        {{0, 9, false, 20}, {10, 19, true, 20}},
              0,           "the cat",       "le chat", {}};
  const Heatmap map{{"the", "cat", "</s>"}, {"le", "chat", "</s>"}, {0.9f, 0.1f, 0, 0, 1, 0, 0, 0, 1}};
  const TrainingFigures training{"CPU, 2 threads", 1234567, 12345, 1.04};
  story.systems.push_back({"fixed",
                           "fixed vector",
                           "one vector (1)",
                           false,
                           training,
                           9.5,
                           {},
                           {20, 40.04, 12.34, {60, 5}},
                           {map.source, map.target, {}}});
  story.systems.push_back({"additive",
                           "RNNsearch",
                           "soft search",
                           true,
                           training,
                           123.4,
                           {16.39, 7.99},
                           {90, 95, 1.257, {91, 92.5}},
                           map});
  return story;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("text for XML") {
  CHECK(xml_text("a < b > c & \"d\" 'e' é") == "a &lt; b &gt; c &amp; &quot;d&quot; &#39;e&#39; é");
  CHECK(xml_text("\x1b[2J\xff\u202e\uffff") == "\uFFFD[2J\uFFFD\uFFFD\uFFFD");
  CHECK(svg::coordinate(12.5) == "12.5");
  CHECK(svg::coordinate(-0.001) == "0");
  CHECK(svg::coordinate(100) == "100");
}

TEST_CASE("the tables") {
  CHECK(table_of_systems(make_story()).markdown() ==
        "| system       | BLEU | chrF | perplexity |        AER | parameters | words/s | sentences/s | "
        "minutes |\n"
        "|--------------|-----:|-----:|-----------:|-----------:|-----------:|--------:|------------:|-------"
        "-:|\n"
        "| fixed vector | 20.0 | 40.0 |       12.3 |          - |  1,234,567 |  12,345 |         9.5 |     "
        "1.0 |\n"
        "| RNNsearch    | 90.0 | 95.0 |       1.26 | 16.4 / 8.0 |  1,234,567 |  12,345 |         123 |     "
        "1.0 |\n");
  CHECK(table_of_lengths(make_story()).markdown() ==
        "| source words |  1-9 |  10+ | first to last |\n"
        "|--------------|-----:|-----:|--------------:|\n"
        "| (sentences)  |   20 |   20 |               |\n"
        "| fixed vector | 60.0 |  5.0 |         -55.0 |\n"
        "| RNNsearch    | 91.0 | 92.5 |          +1.5 |\n");
}

TEST_CASE("no column for error rates without links, none for lengths without bins") {
  Story story = make_story();
  story.systems[1].error_rates.clear();
  CHECK(table_of_systems(story).header.size() == 8);
  CHECK(!has(markdown_report(story, "f.svg"), "AER"));
  story.bins.clear();
  for (System& system : story.systems) system.scores.bleu_by_length.clear();
  CHECK(!has(markdown_report(story, "f.svg"), "## BLEU"));
  CHECK(!has(draw_figure(story), "BLEU"));
  CHECK(is_well_formed(draw_figure(story)));
}

TEST_CASE("the figure: a labelled line for each system, a cell for each weight, words where there are none") {
  const std::string figure = draw_figure(make_story());
  CHECK(is_well_formed(figure));
  for (const std::string text :
       {">fixed vector 5.0<", ">RNNsearch 92.5<", ">1-9<", ">10+<", ">n = 20<", ">le chat<",
        ">no alignment:<", ">one vector<", "<title>le – the: 90%</title>"})
    CHECK_MESSAGE(has(figure, text), text);
  std::size_t cells = 0;
  for (std::size_t at = figure.find("fill=\"#"); at != std::string::npos;
       at = figure.find("fill=\"#", at + 1))
    cells += figure.rfind("<rect", at) > figure.rfind('\n', at);
  CHECK(cells == 9 + 1);                   // and the background
  CHECK(has(figure, "fill=\"#f6f8fb\""));  // weight 0
  CHECK(has(figure, "fill=\"#08306b\""));  // weight 1
}

TEST_CASE("one HTML file that needs no other, and no script") {
  const Story story = make_story();
  const std::string html = html_report(story, draw_figure(story));
  for (const char* outside : {"src=", "href=", "@import", "url(", "<script", "<link"})
    CHECK_MESSAGE(!has(html, outside), outside);
  CHECK(has(html, "<title>A &lt;title&gt;</title>"));
  CHECK(has(html, "<td>16.4 / 8.0</td>"));
  CHECK(has(html, "<svg "));
}

TEST_CASE("words and names from outside stay text in every report") {
  Story story = make_story();
  story.title = story.note = story.source = story.reference = kHostile;
  System& system = story.systems[1];
  system.name = system.what = system.training.device = kHostile;
  system.drawn.source[0] = system.drawn.target[0] = story.systems[0].drawn.target[0] = kHostile;
  const std::string figure = draw_figure(story), html = html_report(story, figure);
  CHECK(is_well_formed(figure));
  CHECK(!has(figure, "<script"));
  CHECK(!has(html, "<script"));
  const std::string markdown = markdown_report(story, "story.svg");
  CHECK(has(markdown, "\n    </title><script>"));  // as code
  CHECK(has(markdown, "- **\\</title>\\<script>"));
  CHECK(has(markdown, "\\|\\\\x1B\\[2J"));
  for (const std::string& text : {figure, html, markdown})
    for (const char* control : {"\x1b", "\u202e", "\xff"}) CHECK(!has(text, control));
}

TEST_CASE("odd weights and a long sentence are drawn") {
  Story story = make_story();
  Heatmap& map = story.systems[1].drawn;
  map.source.assign(200, "a_word_that_is_too_long_to_be_shown");
  map.alpha.assign(3 * 200, std::numeric_limits<float>::quiet_NaN());
  map.alpha[3] = 1e30f, map.alpha[4] = -1;
  CHECK(is_well_formed(draw_figure(story)));
  CHECK(has(draw_figure(story), ">a_word_that_i…<"));
}

constexpr char kLog[] =
    "[2014-09-01 14:00:00] mininmt-train 0.1.0, CPU, 2 threads\n"
    "[2014-09-01 14:00:01] 9 source and 9 target words in the vocabularies, 1000 parameters\n"
    "[2014-09-01 14:01:01] done: 9 updates, 7200 target words in 1m00s, 120 words/s, validation and all\n";

// A folder with one system that is done and one that is not.
void fill(const TemporaryFolder& folder) {
  folder.write("test.en", "a b\nthe cat\n");
  folder.write("test.fr", "x y\nle chat\n");
  folder.write(
      "systems",
      "fixed\tfixed vector\tno\tone vector\nadditive\tRNNsearch\tyes\tsoft search\nhops\thops\tyes\t-\n");
  for (const char* key : {"fixed", "additive"}) {
    const std::string at = std::string(key) + "/";
    std::filesystem::create_directory(folder.path(key));
    folder.write(at + "train.log", kLog);
    folder.write(at + "translation", "x y\nun chat\n");
    folder.write(at + "scores", "-1.5\n-2.5\n");
    folder.write(at + "seconds", "0.5 2.5\n");
  }
  folder.write("additive/alignment", "un chat ||| 1,0,0 0,1,0 0,0,1\n");
  folder.write("additive/aer", "AER = 25.00 (precision = 75.00)\n");
}

StoryOptions options_of(const TemporaryFolder& folder) {
  const auto parsed = parse_story_options({"--folder", folder.path(""), "--test-sets", folder.path("test.en"),
                                           folder.path("test.fr"), "--sentence", "2"});
  return std::get<StoryOptions>(parsed);
}

TEST_CASE("a story is read from its folder; systems that are not done are left out") {
  const TemporaryFolder folder;
  fill(folder);
  const Story story = read_story(options_of(folder));
  REQUIRE(story.systems.size() == 2);
  CHECK(story.sentences == 2);
  CHECK(story.source == "the cat");
  CHECK(story.systems[0].drawn.alpha.empty());
  CHECK(story.systems[0].drawn.target == std::vector<std::string>{"un", "chat"});
  CHECK(story.systems[0].sentences_per_second == 1);  // 2 in 2.5 - 0.5 seconds
  CHECK(story.systems[0].scores.perplexity == doctest::Approx(std::exp(4.0 / 6)));
  CHECK(story.systems[1].drawn.alpha.size() == 9);
  CHECK(story.systems[1].error_rates == std::vector<double>{25});
}

TEST_CASE("files that don't fit are refused by name") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& file, const std::string& contents) {
    fill(folder);
    folder.write(file, contents);
    return message_of<DataError>([&] { read_story(options_of(folder)); });
  };
  CHECK(has(refused("additive/translation", "x y\n"), "additive/translation has 1 lines, not 2"));
  CHECK(has(refused("additive/scores", "-1.5\n"), "additive/scores has 1 numbers, not 2"));
  CHECK(has(refused("additive/scores", "-1.5\nx\n"), "additive/scores:2: 'x' is not a number"));
  CHECK(has(refused("additive/alignment", "un chat\n"), "additive/alignment has no alignment"));
  CHECK(has(refused("systems", "fixed\tfixed vector\n"), "systems:1: needs key"));
  CHECK(has(refused("test.fr", "x y\n"), "test.fr has 1 lines, not 2"));
  fill(folder);
  StoryOptions options = options_of(folder);
  options.sentence = 3;
  CHECK_THROWS_AS(read_story(options), UsageError);
}

}  // namespace
}  // namespace mininmt::story
