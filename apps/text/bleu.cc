#include "apps/text/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "apps/text/utf8.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

using Words = std::vector<std::string_view>;
using Ngram = std::array<std::string_view, Bleu::kOrders>;  // shorter ones end in empty words

// White space as in Python's str.split().
bool is_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

std::vector<Ngram> sorted_ngrams(const Words& words, std::size_t order) {
  std::vector<Ngram> ngrams;
  for (std::size_t begin = 0; begin + order <= words.size(); ++begin) {
    std::copy_n(words.begin() + static_cast<std::ptrdiff_t>(begin), order, ngrams.emplace_back().begin());
  }
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

// The size of the multiset intersection of two sorted lists.
std::uint64_t count_common(const std::vector<Ngram>& a, const std::vector<Ngram>& b) {
  std::uint64_t common = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    if (*x < *y) {
      ++x;
    } else if (*y < *x) {
      ++y;
    } else {
      ++common, ++x, ++y;
    }
  }
  return common;
}

}  // namespace

Words split_at_unicode_space(std::string_view line) {
  Words words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < line.size();) {
    const Utf8Character character = first_utf8_character(line.substr(at));
    if (is_space(character.code)) {
      if (at > begin) words.push_back(line.substr(begin, at - begin));
      begin = at + character.bytes;
    }
    at += character.bytes;
  }
  if (begin < line.size()) words.push_back(line.substr(begin));
  return words;
}

void Bleu::add(std::string_view hypothesis, std::string_view reference) {
  const Words hypothesis_words = split_at_unicode_space(hypothesis);
  const Words reference_words = split_at_unicode_space(reference);
  hypothesis_length_ += hypothesis_words.size();
  reference_length_ += reference_words.size();
  for (std::size_t n = 1; n <= kOrders; ++n) {
    const auto ngrams = sorted_ngrams(hypothesis_words, n);
    totals_[n - 1] += ngrams.size();
    matches_[n - 1] += count_common(ngrams, sorted_ngrams(reference_words, n));
  }
}

void Bleu::merge(const Bleu& other) {
  for (std::size_t n = 0; n < kOrders; ++n) {
    matches_[n] += other.matches_[n];
    totals_[n] += other.totals_[n];
  }
  hypothesis_length_ += other.hypothesis_length_;
  reference_length_ += other.reference_length_;
}

double Bleu::score() const {
  double log_sum = 0;
  for (const double precision : precisions()) {
    if (precision == 0) return 0;
    log_sum += std::log(precision);
  }
  return brevity_penalty() * std::exp(log_sum / kOrders);
}

double Bleu::brevity_penalty() const {
  if (hypothesis_length_ >= reference_length_) return 1;
  if (hypothesis_length_ == 0) return 0;
  return std::exp(1 - static_cast<double>(reference_length_) / static_cast<double>(hypothesis_length_));
}

std::array<double, Bleu::kOrders> Bleu::precisions() const {
  std::array<double, kOrders> precisions{};
  if (matches_[0] == 0) return precisions;  // without a shared word there is no shared n-gram
  double smoothing = 1;
  for (std::size_t n = 0; n < kOrders && totals_[n] > 0; ++n) {
    const double total = static_cast<double>(totals_[n]);
    if (matches_[n] == 0) smoothing *= 2;
    precisions[n] =
        matches_[n] == 0 ? 100 / (smoothing * total) : 100 * static_cast<double>(matches_[n]) / total;
  }
  return precisions;
}

std::string Bleu::format() const {
  const auto p = precisions();
  const double ratio = reference_length_ == 0
                           ? 0
                           : static_cast<double>(hypothesis_length_) / static_cast<double>(reference_length_);
  char text[256];
  std::snprintf(text, sizeof text,
                "BLEU = %.2f %.1f/%.1f/%.1f/%.1f (BP = %.3f ratio = %.3f hyp_len = %llu ref_len = %llu)",
                score(), p[0], p[1], p[2], p[3], brevity_penalty(), ratio,
                static_cast<unsigned long long>(hypothesis_length_),
                static_cast<unsigned long long>(reference_length_));
  return text;
}

std::string Bleu::signature(const std::string& tokenization) {
  return join("nrefs:1|case:mixed|eff:no|tok:", tokenization, "|smooth:exp|version:mininmt-", kVersion);
}

}  // namespace mininmt
