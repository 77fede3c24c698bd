#include "nn/search_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mininmt {
namespace {

constexpr real kBarred = -std::numeric_limits<real>::infinity();

void allow_only(Id word, std::span<real> log_p) {
  const real kept = log_p[static_cast<std::size_t>(word)];
  std::fill(log_p.begin(), log_p.end(), kBarred);
  log_p[static_cast<std::size_t>(word)] = kept;
}

}  // namespace

double coverage(std::span<const double> attended) {
  constexpr double kLeast = 1e-6;
  double sum = 0;
  for (const double weight : attended) sum += std::log(std::clamp(weight, kLeast, 1.0));
  return sum;
}

WordLimits SearchRules::limits(int source_words, std::span<const Id> prefix) const {
  const int by_factor = std::max(1, static_cast<int>(options_.max_length_factor * source_words)),
            given = prefix.empty() ? 0 : static_cast<int>(prefix.size()) + 1;
  return {std::max({by_factor, given, options_.min_words > 0 ? options_.min_words + 1 : 0}),
          std::max(static_cast<int>(options_.min_length_factor * source_words), options_.min_words), prefix};
}

void SearchRules::bar(const WordLimits& limits, std::span<const Id> written, std::span<real> log_p) const {
  const std::size_t i = written.size();
  if (i < limits.prefix.size()) return allow_only(limits.prefix[i], log_p);
  if (options_.max_words > 0 && i >= static_cast<std::size_t>(options_.max_words))
    return allow_only(kEos, log_p);
  if (!options_.allow_unk) log_p[kUnk] = kBarred;
  if (options_.no_repeat > 0) bar_repeats(written, log_p);
  if (!bars_eos(limits, static_cast<int>(i))) return;
  const real eos = log_p[kEos];
  log_p[kEos] = kBarred;
  if (*std::max_element(log_p.begin(), log_p.end()) == kBarred) log_p[kEos] = eos;
}

// Of a word that would end an n-gram already written.
void SearchRules::bar_repeats(std::span<const Id> written, std::span<real> log_p) const {
  const std::size_t before = static_cast<std::size_t>(options_.no_repeat) - 1;
  if (written.size() < before) return;
  const std::span<const Id> last = written.last(before);
  for (std::size_t i = before; i < written.size(); ++i)
    if (std::equal(last.begin(), last.end(), written.begin() + static_cast<std::ptrdiff_t>(i - before)))
      log_p[static_cast<std::size_t>(written[i])] = kBarred;
}

double SearchRules::score(double log_p, int words, double coverage) const {
  const double length = options_.length_penalty == LengthPenalty::kGnmt ? (5.0 + words) / 6 : words;
  return (log_p - options_.word_penalty * words) / std::pow(length, options_.normalize) +
         options_.coverage_penalty * coverage;
}

double SearchRules::best_score(double log_p, int words, int longest) const {
  double best = score(log_p, longest, 0);
  if (options_.word_penalty != 0)  // else longest is best
    for (int n = words + 1; n < longest; ++n) best = std::max(best, score(log_p, n, 0));
  return best;
}

}  // namespace mininmt
