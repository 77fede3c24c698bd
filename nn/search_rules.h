// What a search is asked for: its options, which words may follow in a hypothesis, and what hypotheses rank
// by.
#pragma once

#include <optional>
#include <span>

#include "nn/sampling.h"
#include "tensor/types.h"

namespace mininmt {

// What log p of a hypothesis of n words, </s> counted, is divided by for ranking, with an exponent a.
enum class LengthPenalty {
  kPower,  // n^a
  kGnmt,   // ((5 + n) / 6)^a (Wu et al. 2016; Vaswani et al. 2017)
};

struct SearchOptions {
  int beam_size = 5;             // K; 1 is greedy search
  double normalize = 1;          // the exponent of length_penalty; 0: rank by log p
  double max_length_factor = 3;  // at most this many words per source word, </s> counted in both
  double min_length_factor = 0;  // </s> is barred before this many words per source word
  bool allow_unk = false;        // <unk> is allowed; if not, the others are not renormalised
  int n_best = 1;                // hypotheses per sentence, at most beam_size; or samples, any number
  bool alignment = false;        // keep alpha
  LengthPenalty length_penalty = LengthPenalty::kPower;

  int no_repeat = 0;            // no n-gram of this many words is written twice; 0: any may
  int min_words = 0;            // </s> is barred before this many words, whatever the factors say
  int max_words = 0;            // after this many words only </s> is allowed; 0: no limit
  double word_penalty = 0;      // what log p loses a word in ranking, </s> counted
  double coverage_penalty = 0;  // the factor of coverage() in ranking; the model must have attention
  // What log p of the second-best word after a hypothesis loses, twice that for the third, and so on, when
  // candidates for the beam are compared: hypotheses of different beginnings stay (Li, Monroe, Jurafsky
  // 2016).
  double diversity = 0;
  double skip_positions = 0;              // as in Decoding; 0: none
  std::optional<Sampling> sampling = {};  // draws words instead of searching for the best
};

// A sentence's limits, </s> counted.
struct WordLimits {
  int longest, shortest;
  std::span<const Id> prefix;  // the first words, given
};

// Wu et al. 2016, eq. 14: sum over source words of log min(weight, 1), of their weights in all. 0 is the
// best: all have been attended to. A weight below 1e-6 counts as that, since a sum of logarithms forgets all
// else at 0.
double coverage(std::span<const double> attended);

class SearchRules {
 public:
  explicit SearchRules(const SearchOptions& options) : options_(options) {}

  // The limits of a translation of source_words words: a given beginning and --min-words have room in it.
  WordLimits limits(int source_words, std::span<const Id> prefix) const;

  // Whether some are barred that best_words() can't bar.
  bool bar_words() const { return options_.no_repeat > 0 || options_.max_words > 0; }

  // Whether </s> may not be word i, from 0, of a sentence in which other words are possible.
  static bool bars_eos(const WordLimits& limits, int i) {
    return i < limits.shortest && i + 1 < limits.longest;
  }

  // Sets the log p of each word that may not follow `written` to -infinity; at least </s> stays.
  void bar(const WordLimits& limits, std::span<const Id> written, std::span<real> log_p) const;

  // (log p - word_penalty n) / length penalty + coverage_penalty coverage, for n words, </s> counted.
  double score(double log_p, int words, double coverage) const;

  // What the score of an unfinished hypothesis may become at most: log p and coverage are only known to be no
  // better than log_p and 0 when it ends with more than `words`, at most `longest`.
  double best_score(double log_p, int words, int longest) const;

 private:
  void bar_repeats(std::span<const Id> written, std::span<real> log_p) const;

  SearchOptions options_;
};

}  // namespace mininmt
