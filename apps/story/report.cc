#include "apps/story/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/text/svg.h"
#include "apps/text/utf8.h"
#include "apps/text/xml_text.h"
#include "tensor/error.h"

namespace mininmt::story {
namespace {

constexpr char kStyle[] = R"(
body { font: 15px/1.5 system-ui, "DejaVu Sans", Helvetica, Arial, sans-serif; color: #222; background: #fff;
       max-width: 1000px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid #e4e4e4; }
th { border-bottom: 2px solid #888; }
th:first-child, td:first-child { text-align: left; }
.scrolls { overflow-x: auto; }
svg { width: 100%; min-width: 44em; height: auto; }
dt { font-weight: bold; margin-top: .4em; }
)";

std::string number(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

// 1234567 as "1,234,567".
std::string whole_number(double value) {
  std::string text = number(value, 0);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string error_rates(const System& system) {
  std::string text;
  for (const double rate : system.error_rates) text += (text.empty() ? "" : " / ") + number(rate, 1);
  return text.empty() ? "-" : text;
}

// A cell of Markdown: what would end it or begin something is escaped.
std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char c : visible(text)) {
    if (c == '|' || c == '\\' || c == '<' || c == '*' || c == '_' || c == '`' || c == '[') cell += '\\';
    cell += c;
  }
  return cell;
}

// What was trained, and on what.
std::string facts(const Story& story) {
  std::vector<std::string> devices;
  for (const System& system : story.systems)
    if (std::find(devices.begin(), devices.end(), system.training.device) == devices.end())
      devices.push_back(system.training.device);
  std::string text = story.note.empty() ? "" : story.note + " ";
  text += join("BLEU (of words as they are), chrF, and the perplexity of the references on ",
               whole_number(static_cast<double>(story.sentences)),
               " test sentences; target words/s in training, ", "sentences/s at beam 5");
  for (std::size_t i = 0; i < devices.size(); ++i) text += (i == 0 ? "; " : " and ") + devices[i];
  return text + ".";
}

bool has_error_rates(const Story& story) {
  return std::any_of(story.systems.begin(), story.systems.end(),
                     [](const System& system) { return !system.error_rates.empty(); });
}

constexpr char kAboutErrorRates[] =
    "AER, alignment error rate in percent: by the attention before each word, which predicts it / after it, "
    "the "
    "first that has seen it.";

std::string words(const Heatmap& map) {
  std::string text;
  for (const std::string& word : map.target)
    if (word != "</s>") text += (text.empty() ? "" : " ") + word;
  return text;
}

// The drawn sentence: names and texts.
std::vector<std::pair<std::string, std::string>> sentence(const Story& story) {
  std::vector<std::pair<std::string, std::string>> lines = {{"source", story.source},
                                                            {"reference", story.reference}};
  for (const System& system : story.systems) lines.emplace_back(system.name, words(system.drawn));
  return lines;
}

}  // namespace

std::string Table::markdown() const {
  std::vector<std::vector<std::string>> cells = {header};
  cells.insert(cells.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths(header.size(), 0);
  for (auto& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = markdown_cell(row[i]);
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  std::string text;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string gap(widths[i] - display_width(cells[r][i]), ' ');
      text += i == 0 ? "| " + cells[r][i] + gap : " | " + gap + cells[r][i];
    }
    text += " |\n";
    if (r > 0) continue;
    for (std::size_t i = 0; i < widths.size(); ++i)
      text += "|-" + std::string(widths[i], '-') + (i == 0 ? "-" : ":");
    text += "|\n";
  }
  return text;
}

std::string Table::html() const {
  std::string text = "<div class=\"scrolls\"><table>\n<thead><tr>";
  for (const std::string& cell : header) text += "<th scope=\"col\">" + xml_text(cell) + "</th>";
  text += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (const std::string& cell : row) text += "<td>" + xml_text(cell) + "</td>";
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

Table table_of_systems(const Story& story) {
  const bool with_error_rates = has_error_rates(story);
  Table table{{"system", "BLEU", "chrF", "perplexity"}, {}};
  if (with_error_rates) table.header.emplace_back("AER");
  table.header.insert(table.header.end(), {"parameters", "words/s", "sentences/s", "minutes"});
  for (const System& system : story.systems) {
    const Scores& scores = system.scores;
    std::vector<std::string> row = {system.name, number(scores.bleu, 1), number(scores.chrf, 1),
                                    number(scores.perplexity, scores.perplexity < 10 ? 2 : 1)};
    if (with_error_rates) row.push_back(error_rates(system));
    row.insert(row.end(), {whole_number(static_cast<double>(system.training.parameters)),
                           whole_number(system.training.words_per_second),
                           number(system.sentences_per_second, system.sentences_per_second < 10 ? 1 : 0),
                           number(system.training.minutes, 1)});
    table.rows.push_back(row);
  }
  return table;
}

Table table_of_lengths(const Story& story) {
  Table table{{"source words"}, {}};
  for (const LengthBin& bin : story.bins) table.header.push_back(bin.name());
  const bool has_change = story.bins.size() > 1;
  if (has_change) table.header.emplace_back("first to last");
  std::vector<std::string> counts = {"(sentences)"};
  for (const LengthBin& bin : story.bins) counts.push_back(join(bin.sentences));
  if (has_change) counts.emplace_back("");
  table.rows.push_back(counts);
  for (const System& system : story.systems) {
    const std::vector<double>& bleu = system.scores.bleu_by_length;
    std::vector<std::string> row = {system.name};
    for (const double score : bleu) row.push_back(number(score, 1));
    if (has_change) {
      const double change = bleu.back() - bleu.front();
      row.push_back((change > 0 ? "+" : "") + number(change, 1));
    }
    table.rows.push_back(row);
  }
  return table;
}

std::string markdown_report(const Story& story, const std::string& figure) {
  std::string text = join("# ", markdown_cell(story.title), "\n\n", markdown_cell(facts(story)), "\n\n",
                          table_of_systems(story).markdown(), "\n");
  if (has_error_rates(story)) text += join(kAboutErrorRates, "\n\n");
  for (const System& system : story.systems)
    text += join("- **", markdown_cell(system.name), "**: ", markdown_cell(system.what), "\n");
  if (!story.bins.empty()) text += join("\n## BLEU by source length\n\n", table_of_lengths(story).markdown());
  text +=
      join("\n![BLEU by source length, and the alignments of a sentence](", figure, ")\n\n## One sentence\n");
  for (const auto& [name, line] : sentence(story))
    text += join("\n", markdown_cell(name), ":\n\n    ", visible(line), "\n");
  return text;
}

std::string html_report(const Story& story, const std::string& figure) {
  std::string text =
      join("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
           "<meta name=\"viewport\" content=\"width=device-width\">\n<title>", xml_text(story.title),
           "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>", xml_text(story.title),
           "</h1>\n<p>", xml_text(facts(story)), "</p>\n", table_of_systems(story).html());
  if (has_error_rates(story)) text += join("<p>", kAboutErrorRates, "</p>\n");
  text += "<ul>\n";
  for (const System& system : story.systems)
    text += join("<li><b>", xml_text(system.name), "</b>: ", xml_text(system.what), "</li>\n");
  text += "</ul>\n";
  if (!story.bins.empty()) text += "<h2>BLEU by source length</h2>\n" + table_of_lengths(story).html();
  text += "<div class=\"scrolls\">" + figure + "</div>\n<h2>One sentence</h2>\n<dl>\n";
  for (const auto& [name, line] : sentence(story))
    text += join("<dt>", xml_text(name), "</dt><dd>", xml_text(line), "</dd>\n");
  return text + "</dl>\n</body>\n</html>\n";
}

}  // namespace mininmt::story
