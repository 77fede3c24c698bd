#include "apps/train/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/text/bleu.h"
#include "apps/text/corpus.h"
#include "apps/translate/translator.h"
#include "tensor/error.h"

namespace mininmt {

double ValidationScores::metric(const std::string& name) const {
  if (name == "cross-entropy") return cross_entropy;
  if (name == "perplexity") return perplexity;
  if (name == "bleu") return bleu;
  throw UsageError("--valid-metrics: '" + name + "' is unknown: cross-entropy, perplexity or bleu");
}

bool is_better(const std::string& metric, double value, double than) {
  return metric == "bleu" ? value > than : value < than;
}

std::vector<std::string> read_lines(const std::string& path, LineOptions options) {
  LineReader reader(path, options);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

Validation::Validation(const TrainOptions& options, const Vocab& source, const Vocab& target, int threads)
    : options_(options), source_vocab_(source), target_vocab_(target), threads_(threads) {
  const LineOptions lines{.replace_invalid_utf8 = options.invalid_utf8 == "replace"};
  check_line_counts(options.valid_sets[0], options.valid_sets[1], lines);
  source_ = read_lines(options.valid_sets[0], lines);
  target_ = read_lines(options.valid_sets[1], lines);
  if (std::all_of(target_.begin(), target_.end(),
                  [](const std::string& line) { return split_words(line).empty(); }))
    throw DataError(options.valid_sets[1] + ": all lines are empty: there is nothing to validate on");
  for (const std::string& line : target_)
    target_words_ += static_cast<std::int64_t>(split_words(line).size()) + 1;
}

ValidationScores Validation::measure(const Model& model) const {
  ValidationScores scores;
  const auto log_p =
      score_lines(model, source_vocab_, target_vocab_, source_, target_, options_.valid_mini_batch, threads_);
  const double total = -std::accumulate(log_p.begin(), log_p.end(), 0.0);
  scores.cross_entropy = total / static_cast<double>(source_.size());
  scores.perplexity = std::exp(total / static_cast<double>(target_words_));
  if (std::count(options_.valid_metrics.begin(), options_.valid_metrics.end(), "bleu") > 0) {
    const Translator translator(model, source_vocab_, target_vocab_, search_options(options_.decoding),
                                options_.valid_mini_batch, threads_);
    Bleu bleu;
    const auto translations = translator.translate(source_);
    for (std::size_t i = 0; i < source_.size(); ++i)
      bleu.add(translations[i].empty() ? "" : translator.text(translations[i][0]), target_[i]);
    scores.bleu = bleu.score();
  }
  return scores;
}

}  // namespace mininmt
