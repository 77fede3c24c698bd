#include "apps/text/chrf.h"

#include <algorithm>
#include <vector>

#include "apps/text/bleu.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

std::u32string characters_of(std::string_view line) {
  std::u32string characters;
  for (std::string_view word : split_at_unicode_space(line))
    while (!word.empty()) {
      const Utf8Character first = first_utf8_character(word);
      characters += first.code;
      word.remove_prefix(first.bytes);
    }
  return characters;
}

std::vector<std::u32string_view> sorted_ngrams(std::u32string_view text, std::size_t order) {
  std::vector<std::u32string_view> ngrams;
  for (std::size_t begin = 0; begin + order <= text.size(); ++begin)
    ngrams.push_back(text.substr(begin, order));
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

}  // namespace

void Chrf::add(std::string_view hypothesis, std::string_view reference) {
  const std::u32string h = characters_of(hypothesis), r = characters_of(reference);
  for (std::size_t order = 1; order <= kOrders; ++order) {
    const auto mine = sorted_ngrams(h, order), theirs = sorted_ngrams(r, order);
    std::vector<std::u32string_view> common;
    std::set_intersection(mine.begin(), mine.end(), theirs.begin(), theirs.end(), std::back_inserter(common));
    matches_[order - 1] += common.size();
    hypothesis_[order - 1] += theirs.empty() ? 0 : mine.size();  // sacreBLEU's rule
    reference_[order - 1] += theirs.size();
  }
}

double Chrf::score() const {
  double precision = 0, recall = 0;
  int orders = 0;
  for (std::size_t i = 0; i < kOrders; ++i) {
    if (hypothesis_[i] == 0 || reference_[i] == 0) continue;
    precision += static_cast<double>(matches_[i]) / static_cast<double>(hypothesis_[i]);
    recall += static_cast<double>(matches_[i]) / static_cast<double>(reference_[i]);
    ++orders;
  }
  constexpr double kBetaSquared = 4;
  if (orders == 0 || precision + recall == 0) return 0;
  precision /= orders, recall /= orders;
  return 100 * (1 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

std::string Chrf::signature() {
  return join("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:mininmt-", kVersion);
}

}  // namespace mininmt
