#include "apps/story/measures.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string_view>
#include <system_error>

#include "apps/text/bleu.h"
#include "apps/text/chrf.h"
#include "apps/text/lines.h"
#include "apps/text/vocab.h"
#include "tensor/error.h"

namespace mininmt::story {
namespace {

constexpr std::size_t kBinWidth = 10, kLastBin = 60;
constexpr std::string_view kBeforeWeights = " ||| ";

// What stands in the line right after `before` and up to `after`.
std::optional<std::string> text_between(const std::string& line, const std::string& before,
                                        const std::string& after) {
  const std::size_t found = line.find(before);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + before.size(), end = line.find(after, begin);
  if (end == std::string::npos) return {};
  return line.substr(begin, end - begin);
}

// The number that the text ends with.
double last_number(const std::string& text) {
  return std::strtod(text.c_str() + text.find_last_of(' ') + 1, nullptr);
}

// The minutes of a duration as in logs: "59s", "1m00s", "2h05m", "1d03h".
double minutes_of(const std::string& duration) {
  double minutes = 0;
  for (const char* at = duration.c_str(); *at != '\0';) {
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    if (end == at || *end == '\0') break;
    minutes += number * (*end == 'd' ? 1440 : *end == 'h' ? 60 : *end == 'm' ? 1 : 1.0 / 60);
    at = end + 1;
  }
  return minutes;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

TrainingFigures read_training_log(const std::vector<std::string>& lines, const std::string& name) {
  TrainingFigures figures;
  std::vector<double> speeds;
  double whole_speed = 0;
  for (const std::string& line : lines) {
    if (const auto version = text_between(line + "\n", "] mininmt-train ", "\n"))
      figures.device = version->substr(std::min(version->find(", ") + 2, version->size()));
    if (const auto count = text_between(line, "vocabularies, ", " parameters"))
      figures.parameters = std::strtoll(count->c_str(), nullptr, 10);
    if (const auto report = text_between(line, "] epoch ", " words/s"))
      speeds.push_back(last_number(*report));
    if (const auto duration = text_between(line, " target words in ", ", ")) {
      figures.minutes = minutes_of(*duration);
      whole_speed = last_number(text_between(line, "] done: ", " words/s").value_or("0"));
    }
  }
  if (whole_speed == 0) throw DataError(name + ": the training did not end: train this system again");
  if (figures.parameters == 0) throw DataError(name + " does not say how many parameters the model has");
  figures.words_per_second = speeds.empty() ? whole_speed : median(speeds);
  return figures;
}

std::vector<double> read_error_rates(const std::vector<std::string>& lines) {
  std::vector<double> rates;
  for (const std::string& line : lines)
    if (line.starts_with("AER = ")) rates.push_back(std::strtod(line.c_str() + 6, nullptr));
  return rates;
}

std::string LengthBin::name() const {
  const std::size_t from = std::max<std::size_t>(least, 1);
  return open ? join(from, "+") : join(from, "-", most);
}

std::vector<LengthBin> length_bins(const std::vector<std::string>& sources, std::size_t fewest) {
  std::vector<LengthBin> bins;
  for (std::size_t least = 0; least <= kLastBin; least += kBinWidth)
    bins.push_back({least, least + kBinWidth - 1, least == kLastBin, 0});
  for (const std::string& source : sources)
    ++bins[std::min(split_words(source).size(), kLastBin) / kBinWidth].sentences;
  while (bins.size() > 1 && bins.back().sentences < fewest) {
    const std::size_t sentences = bins.back().sentences;
    bins.pop_back();
    bins.back().open = true;
    bins.back().sentences += sentences;
  }
  std::erase_if(bins, [&](const LengthBin& bin) { return bin.sentences < fewest; });
  return bins;
}

Scores measure(const std::vector<std::string>& sources, const std::vector<std::string>& references,
               const std::vector<std::string>& translations, const std::vector<double>& log_p,
               const std::vector<LengthBin>& bins) {
  Bleu bleu;
  Chrf chrf;
  std::vector<Bleu> by_length(bins.size());
  std::size_t target_words = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    bleu.add(translations[i], references[i]);
    chrf.add(translations[i], references[i]);
    target_words += split_words(references[i]).size() + 1;
    const std::size_t length = split_words(sources[i]).size();
    for (std::size_t b = 0; b < bins.size(); ++b)
      if (bins[b].holds(length)) by_length[b].add(translations[i], references[i]);
  }
  const double total = std::accumulate(log_p.begin(), log_p.end(), 0.0);
  Scores scores{bleu.score(), chrf.score(), std::exp(-total / static_cast<double>(target_words)), {}};
  for (const Bleu& part : by_length) scores.bleu_by_length.push_back(part.score());
  return scores;
}

Heatmap read_heatmap(const std::string& source, const std::string& line, const std::string& name) {
  Heatmap map;
  const auto add_words = [](const std::string& text, std::vector<std::string>& words) {
    for (const std::string_view word : split_words(text)) words.emplace_back(word);
  };
  const std::size_t bar = line.rfind(kBeforeWeights);
  if (bar == std::string::npos) throw DataError(name + " has no alignment: it lacks '|||'");
  add_words(source, map.source);
  map.source.emplace_back(kEosWord);
  add_words(line.substr(0, bar), map.target);
  const std::string weights = line.substr(bar + kBeforeWeights.size());
  const std::vector<std::string_view> rows = split_words(weights);
  if (rows.empty()) return map;
  if (rows.size() == map.target.size() + 1) map.target.emplace_back(kEosWord);
  for (const std::string_view row : rows)
    for (const char *at = row.data(), *end = at + row.size(); at < end;) {
      double weight = 0;  // tiny ones are no floats
      const auto [next, error] = std::from_chars(at, end, weight);
      if (error != std::errc())
        throw DataError(name + ": '" + std::string(row) + "' is not a row of weights");
      map.alpha.push_back(static_cast<float>(weight));
      at = next + 1;
    }
  if (rows.size() != map.target.size() || map.alpha.size() != rows.size() * map.source.size())
    throw DataError(join(name, " has ", rows.size(), " rows and ", map.alpha.size(), " weights for ",
                         map.target.size(), " target and ", map.source.size(), " source words"));
  return map;
}

}  // namespace mininmt::story
