// All measures of translations against references, for validation and for the report of mininmt-beam.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apps/text/bleu.h"
#include "apps/text/character_errors.h"
#include "apps/text/chrf.h"

namespace mininmt {

// Accumulates sentence by sentence.
class TextScores {
 public:
  // is_raw: the text is not tokenized, and BLEU tokenizes it (tok:13a).
  explicit TextScores(bool is_raw) : is_raw_(is_raw) {}

  void add(std::string_view hypothesis, std::string_view reference);

  double bleu() const { return bleu_.score(); }
  double chrf() const { return chrf_.score(); }
  double exact_match() const;  // percent of the sentences that are as their references, but for white space
  double character_error_rate() const { return errors_.rate(); }

  // A line with BLEU; of raw text also lines with the others.
  std::string report() const;

 private:
  bool is_raw_;
  Bleu bleu_;
  Chrf chrf_;
  CharacterErrors errors_;
  std::uint64_t sentences_ = 0, exact_ = 0;
};

}  // namespace mininmt
