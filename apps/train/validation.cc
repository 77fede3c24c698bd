#include "apps/train/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "apps/text/text_scores.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Metric {
  const char* name;
  double ValidationScores::*value;
  bool of_search, higher_is_better;
};

constexpr Metric kMetrics[] = {
    {"cross-entropy", &ValidationScores::cross_entropy, false, false},
    {"perplexity", &ValidationScores::perplexity, false, false},
    {"bleu", &ValidationScores::bleu, true, true},
    {"chrf", &ValidationScores::chrf, true, true},
    {"exact-match", &ValidationScores::exact_match, true, true},
    {"character-error-rate", &ValidationScores::character_error_rate, true, false}};

const Metric& find_metric(const std::string& name) {
  for (const Metric& metric : kMetrics)
    if (metric.name == name) return metric;
  throw UsageError("--valid-metrics: '" + name + "' is unknown");
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

// Each line's value, from the process that computed it; it is 0 in the others.
std::vector<double> of_all(Processes& processes, const std::vector<double>& own) {
  std::vector<double> each(own.size() * static_cast<std::size_t>(processes.count())), all(own.size());
  processes.gather(own.data(), own.size() * sizeof(double), each.data());
  for (std::size_t i = 0; i < each.size(); ++i) all[i % own.size()] += each[i];
  return all;
}

// Likewise; it is empty in the others.
std::vector<std::string> of_all(Processes& processes, const std::vector<std::string>& own) {
  std::string text;
  for (const std::string& line : own) text += line + "\n";
  std::vector<std::string> all(own.size());
  for (const std::string& lines : processes.gather(text)) {
    std::istringstream in(lines);
    std::string line;
    for (std::string& to : all)
      if (std::getline(in, line)) to += line;
  }
  return all;
}

}  // namespace

double ValidationScores::metric(const std::string& name) const { return this->*find_metric(name).value; }

std::vector<bool> are_higher_better(const std::vector<std::string>& metrics) {
  std::vector<bool> higher;
  for (const std::string& metric : metrics) higher.push_back(find_metric(metric).higher_is_better);
  return higher;
}

Validation::Validation(const TrainOptions& options, ValidationText text, const Vocab& source,
                       const Vocab& target, int threads)
    : options_(options),
      source_vocab_(source),
      target_vocab_(target),
      threads_(threads),
      sampler_(options, text, source, target),
      text_(std::move(text)) {
  for (const std::string& line : text_.target)
    target_words_ += static_cast<std::int64_t>(target_vocab_.encode(line).size());
}

std::optional<ValidationScores> Validation::measure(const Model& model, const Stop& stop,
                                                    Processes& processes) const {
  const Share share{processes.rank(), processes.count()};
  const auto one_stopped = [&] {
    const std::vector<double> all = processes.gather(stop && stop() ? 1.0 : 0.0);
    return std::count(all.begin(), all.end(), 1.0) > 0;
  };
  ValidationScores scores;
  const auto log_p = score_lines(model, source_vocab_, target_vocab_, text_.source, text_.target,
                                 options_.valid_mini_batch, threads_, stop, share);
  if (one_stopped()) return {};
  const double total = -sum(of_all(processes, log_p));
  scores.cross_entropy = total / static_cast<double>(text_.source.size());
  scores.perplexity = std::exp(total / static_cast<double>(target_words_));
  if (processes.is_first()) scores.samples = sampler_.translate(model);
  const auto of_search = [](const std::string& name) { return find_metric(name).of_search; };
  if (std::none_of(options_.valid_metrics.begin(), options_.valid_metrics.end(), of_search)) return scores;
  const Translator translator(model, source_vocab_, target_vocab_, search_options(options_.decoding),
                              options_.valid_mini_batch, threads_);
  const auto hypotheses = translator.translate(text_.source, stop, {}, share);
  if (one_stopped()) return {};
  std::vector<std::string> translations;
  for (const auto& found : hypotheses) translations.push_back(found.empty() ? "" : translator.text(found[0]));
  translations = of_all(processes, translations);
  TextScores of_text(target_vocab_.units().are_of_raw_text());
  for (std::size_t i = 0; i < translations.size(); ++i) of_text.add(translations[i], text_.target[i]);
  scores.bleu = of_text.bleu();
  scores.chrf = of_text.chrf();
  scores.exact_match = of_text.exact_match();
  scores.character_error_rate = of_text.character_error_rate();
  return scores;
}

}  // namespace mininmt
