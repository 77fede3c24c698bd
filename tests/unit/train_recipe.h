// Sentence pairs in memory, and a recipe that makes the effect of updates observable. For the float and the
// double build.
#pragma once

#include "nn/training/minibatch.h"
#include "nn/training/recipe.h"
#include "tests/models/random_model.h"

namespace mininmt {

struct SentencePairs {
  Sentences sources, targets;

  std::size_t size() const { return sources.size(); }
  void add(Sentence source, Sentence target) {
    sources.push_back(std::move(source));
    targets.push_back(std::move(target));
  }
  Minibatch pick(const std::vector<std::uint32_t>& pairs) const {
    Minibatch minibatch;
    for (std::uint32_t pair : pairs) {
      minibatch.sources.push_back(sources[pair]);
      minibatch.targets.push_back(targets[pair]);
    }
    return minibatch;
  }
};

// Pairs of 1 to 7 words per side, with vocabularies of 9 source and 11 target words.
inline SentencePairs random_pairs(int count, std::uint64_t seed = 1) {
  std::vector<int> source_lengths, target_lengths;
  for (int i = 0; i < count; ++i) {
    source_lengths.push_back(2 + i * 5 % 7);
    target_lengths.push_back(2 + i * 3 % 7);
  }
  return {random_sentences(source_lengths, 9, seed), random_sentences(target_lengths, 11, seed + 1)};
}

// No smoothing, no clipping, plain gradient descent.
inline void make_plain(Recipe& recipe) {
  recipe.optimizer = "sgd";
  recipe.learn_rate = 0.1;
  recipe.clip_norm = 0;
  recipe.cost_type = "ce-sum";
  recipe.label_smoothing = 0;
  recipe.exponential_smoothing = 0;
}

inline Recipe plain_recipe() {
  Recipe recipe;
  make_plain(recipe);
  return recipe;
}

inline std::vector<real> copy_of(const Tensor& x) { return {x.values().begin(), x.values().end()}; }

}  // namespace mininmt
