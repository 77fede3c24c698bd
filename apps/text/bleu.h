// Corpus BLEU (Papineni et al. 2002) as in sacreBLEU with smooth=exp and one reference; of tokenized text
// (tokenize=none), or with what tokenize_13a.h does before.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mininmt {

// The words of a line: between white space as in Python's str.split(), which metrics go by.
std::vector<std::string_view> split_at_unicode_space(std::string_view line);

// Accumulates the counts of a corpus sentence by sentence; the scores follow from the sums.
//
//     BLEU = BP exp(1/4 sum over n of log p_n)
//     BP   = min(1, exp(1 - reference length / hypothesis length))
//     p_n  = 100 x n-grams of the hypotheses also in their references (clipped) / n-grams of the hypotheses
//
// The k-th n without matches gets p_n = 100 / (2^k x n-grams of the hypotheses). If nothing matches at all,
// or no hypothesis has four words, BLEU is 0.
class Bleu {
 public:
  static constexpr std::size_t kOrders = 4;

  // Adds a hypothesis and its reference: words separated by white space (any Unicode white space, as in
  // Python), case-sensitive.
  void add(std::string_view hypothesis, std::string_view reference);

  // Adds the counts of another part of the corpus.
  void merge(const Bleu& other);

  // From 0 to 100.
  double score() const;

  // BP above, from 0 to 1.
  double brevity_penalty() const;

  // p_1 to p_4 in percent; 0 from the first n on for which the hypotheses have no n-gram, and all 0 if
  // nothing matches.
  std::array<double, kOrders> precisions() const;

  // The number of words in all hypotheses, in all references.
  std::uint64_t hypothesis_length() const { return hypothesis_length_; }
  std::uint64_t reference_length() const { return reference_length_; }

  // As sacreBLEU: "BLEU = 34.16 66.5/42.1/27.3/18.0 (BP = 0.980 ratio = 0.980 hyp_len = 980 ref_len = 1000)".
  std::string format() const;

  // How it was computed, in sacreBLEU's notation, with the tokenization done before.
  static std::string signature(const std::string& tokenization = "none");

 private:
  std::array<std::uint64_t, kOrders> matches_{};  // by n - 1: n-grams shared by hypothesis and reference
  std::array<std::uint64_t, kOrders> totals_{};   // n-grams of the hypotheses
  std::uint64_t hypothesis_length_ = 0, reference_length_ = 0;
};

}  // namespace mininmt
