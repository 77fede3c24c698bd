// The corpus: distinct sentences of the grammar, 3 to 50 words long.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "apps/toy/grammar.h"

namespace mininmt::toy {

struct SentencePair {
  std::string english, french;  // one line each, words separated by spaces
};

// How long sentences are: mostly short, or every length as often.
enum class Lengths { kMixed, kEven };

// A stream of sentence pairs that never repeats an English sentence, so a held-out part taken from its
// beginning shares no sentence with the rest.
class Corpus {
 public:
  explicit Corpus(std::uint64_t seed) : grammar_(seed), random_(~seed) {}

  // The next pair. The very first is the grammar's example_sentence().
  SentencePair next(Lengths lengths = Lengths::kMixed);

 private:
  std::size_t draw_length(Lengths lengths);

  Grammar grammar_;
  Random random_;  // draws lengths
  std::uint64_t drawn_ = 0;
  std::unordered_set<std::string> seen_;  // English
};

}  // namespace mininmt::toy
