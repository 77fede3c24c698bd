#include "apps/text/text_scores.h"

#include <cstdio>

#include "apps/text/tokenize_13a.h"
#include "tensor/error.h"

namespace mininmt {

void TextScores::add(std::string_view hypothesis, std::string_view reference) {
  if (is_raw_) {
    bleu_.add(tokenize_13a(hypothesis), tokenize_13a(reference));
  } else {
    bleu_.add(hypothesis, reference);
  }
  chrf_.add(hypothesis, reference);
  errors_.add(hypothesis, reference);
  ++sentences_;
  exact_ += split_at_unicode_space(hypothesis) == split_at_unicode_space(reference);
}

double TextScores::exact_match() const {
  return sentences_ == 0 ? 0 : 100 * static_cast<double>(exact_) / static_cast<double>(sentences_);
}

std::string TextScores::report() const {
  std::string text = join(bleu_.format(), " ", Bleu::signature(is_raw_ ? "13a" : "none"), "\n");
  if (!is_raw_) return text;
  char rest[256];
  std::snprintf(rest, sizeof rest, "chrF2 = %.2f %s\nexact match = %.2f%%, character error rate = %.2f%%\n",
                chrf(), Chrf::signature().c_str(), exact_match(), character_error_rate());
  return text + rest;
}

}  // namespace mininmt
