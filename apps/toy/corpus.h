// The corpus: sentences of the grammar, each once, in lengths from 3 to 50 words.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "apps/toy/grammar.h"

namespace mininmt::toy {

struct SentencePair {
  std::string english, french;  // a line each, words separated by a space
};

// A stream of sentence pairs that never gives an English sentence twice. Whoever takes the held-out part from
// its beginning and the training part from the rest has no held-out sentence in training.
class Corpus {
 public:
  explicit Corpus(std::uint64_t seed) : grammar_(seed), random_(~seed) {}

  // The next pair. The first of all is the grammar's example_sentence().
  SentencePair next();

 private:
  std::size_t draw_length();

  Grammar grammar_;
  Random random_;  // draws lengths
  std::uint64_t drawn_ = 0;
  std::unordered_set<std::string> seen_;  // English
};

}  // namespace mininmt::toy
