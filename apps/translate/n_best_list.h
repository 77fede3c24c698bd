// n-best lists in the form of Moses: NUMBER ||| WORDS ||| FEATURES ||| SCORE, a line a hypothesis.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/vocab.h"

namespace mininmt {

// Text for a line with fields: a word "|||" becomes "&#124;&#124;&#124;", as Moses escapes it, or it would
// end the field.
std::string without_bars(const std::string& text);

struct NBestEntry {
  std::size_t number = 0;  // of the line it translates, from 0
  std::string text;        // WORDS, with a "|||" that was escaped
  std::string head, tail;  // the line up to the end of FEATURES, and the rest

  // The line with another feature.
  std::string with_feature(const std::string& name, double value) const;
};

class NBestReader {
 public:
  // target: an escaped "|||" that it knows as such stays.
  NBestReader(const std::string& path, LineOptions options, const Vocab& target)
      : lines_(path, options), target_(target) {}

  // The next hypothesis; false at the end. Throws DataError, with file and line, if it isn't of this form or
  // its number is below the one before, and as LineReader does.
  bool next(NBestEntry& entry);

  bool ready() { return lines_.ready(); }
  std::string place() const { return lines_.place(); }
  const std::string& name() const { return lines_.name(); }

 private:
  LineReader lines_;
  const Vocab& target_;
  std::size_t last_ = 0;
};

}  // namespace mininmt
