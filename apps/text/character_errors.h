// The character error rate, the measure of transliteration, pronunciation and inflection.
#pragma once

#include <cstdint>
#include <string_view>

namespace mininmt {

// Accumulates the counts of a corpus sentence by sentence.
//
//     CER = 100 x edits / characters of the references
//
// Edits are the characters to insert, delete or replace to turn hypotheses into references (Levenshtein
// distance). Characters are code points; white space between words counts, at the ends of a line it doesn't.
class CharacterErrors {
 public:
  void add(std::string_view hypothesis, std::string_view reference);

  // From 0; above 100 where hypotheses are longer than references. 0 where all are empty, infinite where only
  // the references are.
  double rate() const;

 private:
  std::uint64_t edits_ = 0, characters_ = 0;
};

}  // namespace mininmt
