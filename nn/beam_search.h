// Beam search (MODEL.md 7) over a batch of sentences.
#pragma once

#include "nn/model.h"

namespace mininmt {

struct SearchOptions {
  int beam_size = 5;     // K; 1 is greedy search
  double normalize = 1;  // hypotheses are ranked by log p / words^normalize, </s> counted; 0: by log p
  double max_length_factor = 3;  // at most this many words for each word of the source, </s> counted in both
  double min_length_factor = 0;  // </s> is barred from the first so many words for each word of the source
  bool allow_unk = false;  // <unk> may be written; its probability is not given to the others if it may not
  int n_best = 1;          // hypotheses to return for each sentence, at most beam_size
  bool alignment = false;  // keep alpha
};

struct Hypothesis {
  std::vector<Id> words;                  // without the </s>
  double log_p = 0;                       // log p(words </s> | x), or of the words alone if not `ended`
  double score = 0;                       // what ranks it
  bool ended = true;                      // false: cut at the longest length allowed
  std::vector<std::vector<float>> alpha;  // for each word and the </s>, its weights over the source words
};

// Translations of each source (ids that end in </s>), 1 to n_best of them: those that have ended, best first,
// then those that were cut, best first. A hypothesis that ends leaves the beam, which is smaller by one from
// then on; the search of a sentence is over when its beam is empty, when nothing that remains could get among
// the n_best, or at the longest length allowed, which is a matter of each sentence alone.
std::vector<std::vector<Hypothesis>> beam_search(const Model& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options);

}  // namespace mininmt
