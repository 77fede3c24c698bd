// A few validation sentences, whose translations and attention show how a training comes along.
#pragma once

#include <string>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/train/training_text.h"
#include "apps/translate/shown.h"

namespace mininmt {

struct Sample {
  std::string source, reference;
  Shown translation;
};

class Sampler {
 public:
  // Picks a short, a middling and a longer sentence. Holds references to all but the text.
  Sampler(const TrainOptions& options, const ValidationText& text, const Vocab& source, const Vocab& target);

  std::vector<Sample> translate(const Model& model) const;

 private:
  const TrainOptions& options_;
  const Vocab &source_, &target_;
  ValidationText text_;
};

}  // namespace mininmt
