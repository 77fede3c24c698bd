// Beam search (MODEL.md 7) over a batch of sentences.
#pragma once

#include "nn/model.h"

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
  int n_best = 1;                // hypotheses per sentence, at most beam_size
  bool alignment = false;        // keep alpha
  LengthPenalty length_penalty = LengthPenalty::kPower;
};

struct Hypothesis {
  std::vector<Id> words;                  // without the </s>
  double log_p = 0;                       // log p(words </s> | x), without </s> if not `ended`
  double score = 0;                       // for ranking
  bool ended = true;                      // false: cut at the maximum length
  std::vector<std::vector<float>> alpha;  // for each word and the </s>, its weights over the source words
};

// Translations of each source (ids ending in </s>), 1 to n_best: finished ones, best first, then cut ones,
// best first. A finished hypothesis leaves the beam, which shrinks by one. The search of a sentence ends when
// its beam is empty, when no remaining hypothesis can get into the n_best, or at the maximum length, which
// depends only on the sentence itself.
std::vector<std::vector<Hypothesis>> beam_search(const Model& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options);

}  // namespace mininmt
