// The text of a translation: the units of a hypothesis, given ones as they were given and unknown ones
// replaced.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/vocab.h"
#include "nn/hypothesis.h"

namespace mininmt {

// One translation for each source word, of --replace-unk.
class Lexicon {
 public:
  // Reads lines "SOURCE TARGET" or "SOURCE TARGET P"; of several for a source word that with the largest P,
  // which is 1 where none is given, and of equals the first. Throws DataError with file and line, and as
  // LineReader does.
  Lexicon(const std::string& path, LineOptions options);

  // The word for `source`; `source` itself if there is none.
  const std::string& at(const std::string& source) const;

 private:
  struct Entry {
    std::string target;
    double p;
  };
  WordMap<Entry> entries_;
};

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
