#include "apps/translate/target_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Reads a probability; false if `text` is none.
bool read_p(std::string_view text, double& p) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, p);
  return error == std::errc() && rest == end && p >= 0 && p <= 1;
}

}  // namespace

Lexicon::Lexicon(const std::string& path, LineOptions options) {
  LineReader reader(path, options);
  for (std::string line; reader.next(line);) {
    const std::vector<std::string_view> words = split_words(line);
    double p = 1;
    if (words.size() < 2 || words.size() > 3 || (words.size() == 3 && !read_p(words[2], p)))
      throw DataError(reader.place() +
                      ": not of the form \"SOURCE TARGET\" or \"SOURCE TARGET P\", P from 0 to 1");
    const auto [entry, is_new] = entries_.try_emplace(std::string(words[0]), Entry{std::string(words[1]), p});
    if (!is_new && p > entry->second.p) entry->second = {std::string(words[1]), p};
  }
}

const std::string& Lexicon::at(const std::string& source) const {
  const auto found = entries_.find(source);
  return found == entries_.end() ? source : found->second.target;
}

std::vector<std::string> TargetText::units_of(const Hypothesis& hypothesis, const std::string& source,
                                              const std::string& prefix) const {
  const std::vector<std::string> given = target_.units().split(prefix);
  std::vector<std::string> units;
  for (std::size_t i = 0; i < hypothesis.words.size(); ++i) {
    units.emplace_back(i < given.size() ? given[i] : target_.word(hypothesis.words[i]));
    if (i < given.size() || hypothesis.words[i] != kUnk || !replaces_) continue;
    const std::vector<std::string> from = source_.units().split(source);
    // Without the </s>, which is nothing to put anywhere.
    const auto weights = hypothesis.alpha[i].begin();
    const auto most = std::max_element(weights, weights + static_cast<std::ptrdiff_t>(from.size()));
    const std::string& attended = from[static_cast<std::size_t>(most - weights)];
    units.back() = lexicon_ ? lexicon_->at(attended) : attended;
  }
  return units;
}

std::string TargetText::line_of(const std::vector<std::string>& units) const {
  return target_.units().line_of(std::vector<std::string_view>(units.begin(), units.end()));
}

}  // namespace mininmt
