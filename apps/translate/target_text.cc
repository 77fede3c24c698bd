#include "apps/translate/target_text.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mininmt {
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
