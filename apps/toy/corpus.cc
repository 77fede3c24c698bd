#include "apps/toy/corpus.h"

#include <algorithm>

namespace mininmt::toy {
namespace {

std::string line(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

// Mixed: seven of eight sentences have 4 to 19 words, 11.5 on average. Every eighth takes the next length of
// the whole range, so that a few hundred sentences cover every length from 3 to 50.
std::size_t Corpus::draw_length(Lengths lengths) {
  const std::uint64_t i = drawn_++;
  if (lengths == Lengths::kEven) return kMinLength + i % (kMaxLength - kMinLength + 1);
  if (i % 8 == 7) return kMinLength + (i / 8) % (kMaxLength - kMinLength + 1);
  const std::size_t half = random_.below(8);
  return 4 + half + random_.below(9);
}

SentencePair Corpus::next(Lengths lengths) {
  if (seen_.empty()) {
    const Sentence example = example_sentence();
    return {*seen_.insert(line(example.english)).first, line(example.french)};
  }
  // There are only about a hundred sentences of three words; a repeated one is replaced by a longer one.
  for (std::size_t length = draw_length(lengths);; length = std::min(length + 1, kMaxLength)) {
    const Sentence sentence = grammar_.sentence(length);
    std::string english = line(sentence.english);
    if (seen_.insert(english).second) return {std::move(english), line(sentence.french)};
  }
}

}  // namespace mininmt::toy
