#include "apps/train/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/text/bleu.h"
#include "tensor/error.h"

namespace mininmt {

double ValidationScores::metric(const std::string& name) const {
  if (name == "cross-entropy") return cross_entropy;
  if (name == "perplexity") return perplexity;
  if (name == "bleu") return bleu;
  throw UsageError("--valid-metrics: '" + name + "' is unknown: cross-entropy, perplexity or bleu");
}

std::vector<bool> are_higher_better(const std::vector<std::string>& metrics) {
  std::vector<bool> higher;
  for (const std::string& metric : metrics) higher.push_back(metric == "bleu");
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
  if (std::count(options_.valid_metrics.begin(), options_.valid_metrics.end(), "bleu") > 0) {
    const Translator translator(model, source_vocab_, target_vocab_, search_options(options_.decoding),
                                options_.valid_mini_batch, threads_);
    Bleu bleu;
    const auto translations = translator.translate(text_.source, stop);
    if (stop && stop()) return {};
    for (std::size_t i = 0; i < text_.source.size(); ++i)
      bleu.add(translations[i].empty() ? "" : translator.text(translations[i][0]), text_.target[i]);
    scores.bleu = bleu.score();
  }
  return scores;
}

}  // namespace mininmt
