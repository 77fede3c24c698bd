// Translations with what each word looked at, to be drawn.
#pragma once

#include <string>
#include <vector>

#include "apps/translate/translator.h"

namespace mininmt {

struct Shown {
  std::string text;
  std::vector<std::string> source_units, target_units;  // what alignments link, and </s>
  std::vector<std::vector<float>> alpha;  // of each target unit; empty: the model has no attention
};

// The best translations of lines. The translator's search keeps alpha, if its model has attention.
std::vector<Shown> shown(const Translator& translator, const Vocab& source, const Vocab& target,
                         const std::vector<std::string>& lines);

// Rows of alpha in whole percents.
std::vector<std::vector<int>> percents(const std::vector<std::vector<float>>& alpha);

}  // namespace mininmt
