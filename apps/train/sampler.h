// A few validation sentences, whose translations and attention show how a training comes along.
#pragma once

#include <string>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/text/units.h"
#include "apps/train/training_text.h"
#include "nn/beam_search.h"

namespace mininmt {

struct Sample {
  std::string source, reference, translation;
  std::vector<std::string> source_units, target_units;  // what is linked of source and translation, and </s>
  std::vector<std::vector<float>> alpha;  // of each target unit; empty: the model has no attention
};

class Sampler {
 public:
  // Picks a short, a middling and a longer sentence. Holds references to all but the text.
  Sampler(const TrainOptions& options, const ValidationText& text, const Vocab& source, const Vocab& target);

  std::vector<Sample> translate(const Model& model) const;

 private:
  void take_attention(const Hypothesis& best, const Linked& source, Sample& sample) const;

  const TrainOptions& options_;
  const Vocab &source_, &target_;
  ValidationText text_;
};

}  // namespace mininmt
