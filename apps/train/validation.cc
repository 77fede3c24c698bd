#include "apps/train/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/text/bleu.h"
#include "apps/text/chrf.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Metric {
  const char* name;
  double ValidationScores::*value;
  bool of_search;
};

constexpr Metric kMetrics[] = {{"cross-entropy", &ValidationScores::cross_entropy, false},
                               {"perplexity", &ValidationScores::perplexity, false},
                               {"bleu", &ValidationScores::bleu, true},
                               {"chrf", &ValidationScores::chrf, true},
                               {"exact-match", &ValidationScores::exact_match, true}};

const Metric& find_metric(const std::string& name) {
  for (const Metric& metric : kMetrics)
    if (metric.name == name) return metric;
  throw UsageError("--valid-metrics: '" + name + "' is unknown");
}

}  // namespace

double ValidationScores::metric(const std::string& name) const { return this->*find_metric(name).value; }

std::vector<bool> are_higher_better(const std::vector<std::string>& metrics) {
  std::vector<bool> higher;
  for (const std::string& metric : metrics) higher.push_back(find_metric(metric).of_search);
  return higher;
}

Validation::Validation(const TrainOptions& options, ValidationText text, const Vocab& source,
                       const Vocab& target, int threads)
    : options_(options),
      source_vocab_(source),
      target_vocab_(target),
      threads_(threads),
      text_(std::move(text)) {
  for (const std::string& line : text_.target)
    target_words_ += static_cast<std::int64_t>(split_words(line).size()) + 1;
}

std::optional<ValidationScores> Validation::measure(const Model& model, const Stop& stop) const {
  ValidationScores scores;
  const auto log_p = score_lines(model, source_vocab_, target_vocab_, text_.source, text_.target,
                                 options_.valid_mini_batch, threads_, stop);
  if (stop && stop()) return {};
  const double total = -std::accumulate(log_p.begin(), log_p.end(), 0.0);
  scores.cross_entropy = total / static_cast<double>(text_.source.size());
  scores.perplexity = std::exp(total / static_cast<double>(target_words_));
  const std::vector<bool> of_search = are_higher_better(options_.valid_metrics);
  if (std::count(of_search.begin(), of_search.end(), true) == 0) return scores;
  const Translator translator(model, source_vocab_, target_vocab_, search_options(options_.decoding),
                              options_.valid_mini_batch, threads_);
  const auto translations = translator.translate(text_.source, stop);
  if (stop && stop()) return {};
  Bleu bleu;
  Chrf chrf;
  std::size_t exact = 0;
  for (std::size_t i = 0; i < text_.source.size(); ++i) {
    const std::string hypothesis = translations[i].empty() ? "" : translator.text(translations[i][0]);
    bleu.add(hypothesis, text_.target[i]);
    chrf.add(hypothesis, text_.target[i]);
    exact += split_at_unicode_space(hypothesis) == split_at_unicode_space(text_.target[i]);
  }
  scores.bleu = bleu.score();
  scores.chrf = chrf.score();
  scores.exact_match = 100.0 * static_cast<double>(exact) / static_cast<double>(text_.source.size());
  return scores;
}

}  // namespace mininmt
