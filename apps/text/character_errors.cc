#include "apps/text/character_errors.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "apps/text/bleu.h"
#include "apps/text/utf8.h"

namespace mininmt {
namespace {

// Without white space at the ends.
std::u32string characters_of(std::string_view line) {
  const auto words = split_at_unicode_space(line);
  if (words.empty()) return {};
  const char* const end = words.back().data() + words.back().size();
  std::string_view rest(words.front().data(), static_cast<std::size_t>(end - words.front().data()));
  std::u32string characters;
  while (!rest.empty()) {
    const Utf8Character first = first_utf8_character(rest);
    characters += first.code;
    rest.remove_prefix(first.bytes);
  }
  return characters;
}

std::size_t levenshtein(std::u32string_view a, std::u32string_view b) {
  std::vector<std::size_t> distances(b.size() + 1);  // of a prefix of a from each prefix of b
  std::iota(distances.begin(), distances.end(), std::size_t{0});
  for (const char32_t character : a) {
    std::size_t diagonal = distances[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (character != b[j - 1]);
      diagonal = distances[j];
      distances[j] = std::min({replaced, diagonal + 1, distances[j - 1] + 1});
    }
  }
  return distances.back();
}

}  // namespace

void CharacterErrors::add(std::string_view hypothesis, std::string_view reference) {
  const std::u32string h = characters_of(hypothesis), r = characters_of(reference);
  edits_ += levenshtein(h, r);
  characters_ += r.size();
}

double CharacterErrors::rate() const {
  if (edits_ == 0) return 0;
  if (characters_ == 0) return std::numeric_limits<double>::infinity();
  return 100 * static_cast<double>(edits_) / static_cast<double>(characters_);
}

}  // namespace mininmt
