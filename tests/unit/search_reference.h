// Simple, slow searches: every step runs the model on one sentence from its first word.
#pragma once

#include <algorithm>
#include <cmath>

#include "nn/beam_search.h"
#include "tests/models/random_model.h"

namespace mininmt {

// The model's prediction after a prefix of target words.
struct Forced {
  std::vector<double> next;               // log p of every word after the prefix
  std::vector<std::vector<float>> alpha;  // for each word of the prefix, and the next one
};

inline Forced force(const Model& model, const Sentence& source, const Sentence& prefix) {
  Tape tape;
  Lengths lengths;
  const IdMatrix matrix = pad(spans({source}), lengths);
  const auto decoding = model.decode(tape, matrix, lengths);
  State state = decoding->start();
  Forced result;
  for (std::size_t i = 0; i <= prefix.size(); ++i) {
    const auto [after, prediction] = decoding->step(tape, state, {i > 0 ? prefix[i - 1] : kNone}, {0});
    state = after;
    const auto alpha = prediction.alpha.values();
    result.alpha.emplace_back(alpha.begin(), alpha.end());
    if (i < prefix.size()) continue;
    std::vector<double> scores;
    double sum = 0;
    for (std::int64_t w = 0; w < prediction.scores.size(); ++w) {
      scores.push_back(prediction.scores.data()[w]);
      if (prediction.bias.defined()) scores.back() += prediction.bias.data()[w];
      sum += std::exp(scores.back());
    }
    for (double score : scores) result.next.push_back(score - std::log(sum));
  }
  return result;
}

// The limits in words, </s> counted.
inline int longest(const Sentence& source, const SearchOptions& o) {
  return std::max(1, static_cast<int>(o.max_length_factor * static_cast<double>(source.size())));
}
inline int shortest(const Sentence& source, const SearchOptions& o) {
  return static_cast<int>(o.min_length_factor * static_cast<double>(source.size()));
}

// The words allowed at position i, from 0.
inline bool allowed(Id word, int i, const Sentence& source, const SearchOptions& o) {
  if (word == kUnk) return o.allow_unk;
  return word != kEos || i >= shortest(source, o) || i + 1 == longest(source, o);
}

inline Hypothesis hypothesis(const Sentence& words, double log_p, const SearchOptions& o) {
  Hypothesis h;
  h.words = words;
  h.log_p = log_p;
  const double n = static_cast<double>(words.size());
  h.score = log_p / std::pow(o.length_penalty == LengthPenalty::kGnmt ? (5 + n) / 6 : n, o.normalize);
  h.ended = words.back() == kEos;
  if (h.ended) h.words.pop_back();
  return h;
}

// Finished ones first, then by score.
inline void rank(std::vector<Hypothesis>& all) {
  std::stable_sort(all.begin(), all.end(), [](const Hypothesis& a, const Hypothesis& b) {
    return a.ended != b.ended ? a.ended : a.score > b.score;
  });
}

// Beam search as in MODEL.md 7, to the end: a finished hypothesis takes its place in the beam with it.
inline std::vector<Hypothesis> reference_search(const Model& model, const Sentence& source,
                                                const SearchOptions& o) {
  struct Live {
    Sentence words;
    double log_p, rank = 0;
  };
  std::vector<Live> beam = {{{}, 0}};
  std::vector<Hypothesis> ended;
  for (int i = 0; !beam.empty(); ++i) {
    std::vector<Live> candidates;
    for (const Live& live : beam) {
      const std::size_t first = candidates.size();
      const auto next = force(model, source, live.words).next;
      for (Id word = 0; word < static_cast<Id>(next.size()); ++word) {
        if (!allowed(word, i, source, o)) continue;
        candidates.push_back({live.words, live.log_p + next[static_cast<std::size_t>(word)]});
        candidates.back().words.push_back(word);
      }
      std::stable_sort(candidates.begin() + static_cast<std::ptrdiff_t>(first), candidates.end(),
                       [](const Live& a, const Live& b) { return a.log_p > b.log_p; });
      for (std::size_t k = first; k < candidates.size(); ++k)
        candidates[k].rank = candidates[k].log_p - o.diversity * static_cast<double>(k - first);
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Live& a, const Live& b) { return a.rank > b.rank; });
    candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(o.beam_size) - ended.size()));
    beam.clear();
    for (const Live& c : candidates) {
      if (c.words.back() == kEos || i + 1 == longest(source, o))
        ended.push_back(hypothesis(c.words, c.log_p, o));
      else
        beam.push_back(c);
    }
  }
  rank(ended);
  ended.resize(std::min(ended.size(), static_cast<std::size_t>(o.n_best)));
  return ended;
}

inline std::vector<Hypothesis> search_one(const Model& model, const Sentence& source,
                                          const SearchOptions& o) {
  return beam_search(model, spans({source}), o)[0];
}

}  // namespace mininmt
