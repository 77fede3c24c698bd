#include "apps/toy/spelling.h"

#include <algorithm>
#include <array>

namespace mininmt::toy {
namespace {

struct Rewrite {
  std::string_view word, next, result;
};

// Forms of words before a vowel sound. An apostrophe ends a token, as in Moses.
constexpr std::array<Rewrite, 9> kElisions = {{{"le", "", "l'"},
                                               {"la", "", "l'"},
                                               {"de", "", "d'"},
                                               {"ne", "", "n'"},
                                               {"je", "", "j'"},
                                               {"que", "", "qu'"},
                                               {"ce", "", "cet"},
                                               {"ma", "", "mon"},
                                               {"sa", "", "son"}}};

// Contractions of two words. The article in "de des" disappears.
constexpr std::array<Rewrite, 6> kContractions = {{{"de", "des", "de"},
                                                   {"de", "de", "de"},
                                                   {"de", "le", "du"},
                                                   {"de", "les", "des"},
                                                   {"à", "le", "au"},
                                                   {"à", "les", "aux"}}};

constexpr std::array<std::string_view, 22> kVowels = {"a", "e", "i", "o", "u", "y", "à", "â", "é", "è", "ê",
                                                      "î", "ô", "û", "œ", "É", "A", "E", "I", "O", "U", "Y"};
// Words with an aspirated h, by their prefixes, and "onze", which behaves like them.
constexpr std::array<std::string_view, 9> kNoElision = {"hibou", "hérisson", "héros", "hameau", "haricot",
                                                        "harpe", "hache",    "huit",  "onze"};

template <class List>
bool begins_with_any(std::string_view word, const List& list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view s) { return word.starts_with(s); });
}

}  // namespace

bool begins_with_vowel_sound(std::string_view french) {
  if (begins_with_any(french, kNoElision)) return false;
  return french.starts_with("h") || begins_with_any(french, kVowels);
}

std::string french_plural(const std::string& singular) {
  if (singular.ends_with("s") || singular.ends_with("x")) return singular;
  if (singular.ends_with("eau")) return singular + "x";
  if (singular.ends_with("al")) return singular.substr(0, singular.size() - 1) + "ux";
  return singular + "s";
}

Words written_french(const Words& words) {
  Words out;
  // From the end, so that each word sees the next one in its written form.
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    out.push_back(*word);
    if (out.size() < 2) continue;
    const std::string& next = out[out.size() - 2];
    const auto contraction = std::find_if(kContractions.begin(), kContractions.end(), [&](const Rewrite& r) {
      return r.word == *word && r.next == next;
    });
    if (contraction != kContractions.end()) {
      out.pop_back();
      out.back() = contraction->result;
    }
    if (out.size() < 2 || !begins_with_vowel_sound(out[out.size() - 2])) continue;
    const auto elision = std::find_if(kElisions.begin(), kElisions.end(),
                                      [&](const Rewrite& r) { return r.word == out.back(); });
    if (elision != kElisions.end()) out.back() = elision->result;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Words written_english(const Words& words) {
  constexpr std::array<std::string_view, 10> vowels = {"a", "e", "i", "o", "u", "A", "E", "I", "O", "U"};
  // "a university", "a useful book", "a European city"
  constexpr std::array<std::string_view, 5> glides = {"uni", "Uni", "use", "Eu", "one"};
  Words out = words;
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const bool vowel = begins_with_any(out[i + 1], vowels);
    const bool mute_h = out[i + 1] == "honest";
    if (out[i] == "a" && (mute_h || (vowel && !begins_with_any(out[i + 1], glides)))) out[i] = "an";
  }
  return out;
}

}  // namespace mininmt::toy
