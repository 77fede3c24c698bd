// The text of a translation: the units of a hypothesis, given ones as they were given and unknown ones
// replaced.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/text/vocab.h"
#include "apps/translate/lexicon.h"
#include "nn/hypothesis.h"

namespace mininmt {

class TargetText {
 public:
  // Holds references to the vocabularies.
  TargetText(const Vocab& source, const Vocab& target) : source_(source), target_(target) {}

  // Puts in place of <unk> the source unit of largest weight, or what the lexicon has for it.
  void replace_unknown(std::optional<Lexicon> lexicon) {
    replaces_ = true;
    lexicon_ = std::move(lexicon);
  }

  // The units of a translation of the line `source` that begins with those of `prefix`.
  std::vector<std::string> units_of(const Hypothesis& hypothesis, const std::string& source,
                                    const std::string& prefix) const;

  // The line that units make.
  std::string line_of(const std::vector<std::string>& units) const;

  const Units& source_units() const { return source_.units(); }
  const Units& target_units() const { return target_.units(); }

 private:
  const Vocab &source_, &target_;
  bool replaces_ = false;
  std::optional<Lexicon> lexicon_;
};

}  // namespace mininmt
