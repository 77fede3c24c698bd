// The hypotheses of a search, and the tree of words that they share.
#pragma once

#include <span>
#include <vector>

#include "tensor/types.h"

namespace mininmt {

struct Hypothesis {
  std::vector<Id> words;                  // without the </s>
  double log_p = 0;                       // log p(words </s> | x), without </s> if not `ended`
  double score = 0;                       // for ranking
  bool ended = true;                      // false: cut at the maximum length
  std::vector<std::vector<float>> alpha;  // for each word and the </s>, its weights over the source words
  std::vector<double> word_log_p;         // log p of each word and the </s>
  double coverage = 0;                    // of --coverage-penalty (search_rules.h)
};

// Hypotheses share their beginnings: each word has a link to the one before it. A hypothesis is the number of
// its last word, -1 before the first.
class HypothesisTree {
 public:
  // alpha: the weights of the source words that predicted the word; empty: not kept.
  int add(int before, Id word, double log_p, std::vector<float> alpha);

  // The last word of a hypothesis, kNone before the first; all its words.
  Id word(int hypothesis) const;
  std::vector<Id> words(int hypothesis) const;

  // The weight that each source word had in all, (S); empty if no weights are kept.
  std::vector<double> attended(int hypothesis) const;

  // Fills in the words, their log p and weights. last: this hypothesis shares no weights that are still
  // needed.
  void unwind(int hypothesis, bool last, Hypothesis& found);

  // Drops what belongs to none of these hypotheses: on long lines, nearly all. They get new numbers.
  void prune(std::span<int* const> hypotheses);

 private:
  struct Link {
    int before;
    Id word;
    double log_p;
    std::vector<float> alpha;
  };

  std::vector<Link> links_;
};

}  // namespace mininmt
