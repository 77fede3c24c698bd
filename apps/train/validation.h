// Scores of a model on validation text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/train/sampler.h"
#include "apps/train/training_text.h"
#include "apps/translate/translator.h"
#include "nn/model.h"
#include "nn/training/processes.h"

namespace mininmt {

struct ValidationScores {
  double cross_entropy = 0;                                              // -log p per sentence, in nats
  double perplexity = 0;                                                 // e^(-log p per word), </s> counted
  double bleu = 0, chrf = 0, exact_match = 0, character_error_rate = 0;  // of beam search (text_scores.h)
  std::vector<Sample> samples = {};                                      // decide nothing

  double metric(const std::string& name) const;  // by its name in --valid-metrics
};

// Of each metric, whether a higher value is better.
std::vector<bool> are_higher_better(const std::vector<std::string>& metrics);

class Validation {
 public:
  // Holds references to all but the text.
  Validation(const TrainOptions& options, ValidationText text, const Vocab& source, const Vocab& target,
             int threads);

  // The processes measure it together, each some batches, with the same result in all; the first has the
  // samples.
  // Metrics of beam search only if options.valid_metrics has one, since a search takes time. `stop` is asked
  // before each minibatch; nothing is returned if it says so.
  std::optional<ValidationScores> measure(const Model& model, const Stop& stop = {},
                                          Processes& processes = one_process()) const;

 private:
  const TrainOptions& options_;
  const Vocab &source_vocab_, &target_vocab_;
  int threads_;
  Sampler sampler_;
  ValidationText text_;
  std::int64_t target_words_ = 0;
};

}  // namespace mininmt
