// How good a model is on text that it has not seen.
#pragma once

#include <string>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/text/vocab.h"
#include "nn/model.h"

namespace mininmt {

struct ValidationScores {
  double cross_entropy = 0;  // -log p a sentence, in nats
  double perplexity = 0;     // e^(-log p a word), </s> counted
  double bleu = 0;           // of a beam search, 0 to 100

  double metric(const std::string& name) const;  // by its name in --valid-metrics
};

// Whether a value of this metric is better than another: higher for bleu, lower for the others.
bool is_better(const std::string& metric, double value, double than);

class Validation {
 public:
  // Reads options.valid_sets. Throws DataError if the two files have not the same number of lines, or none.
  Validation(const TrainOptions& options, const Vocab& source, const Vocab& target, int threads);

  // BLEU only if options.valid_metrics has it, since it takes a search.
  ValidationScores measure(const Model& model) const;

 private:
  const TrainOptions& options_;
  const Vocab &source_vocab_, &target_vocab_;
  int threads_;
  std::vector<std::string> source_, target_;
  std::int64_t target_words_ = 0;
};

// All lines of a file.
std::vector<std::string> read_lines(const std::string& path, LineOptions options);

}  // namespace mininmt
