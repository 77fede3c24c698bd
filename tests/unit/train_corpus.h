// A small parallel corpus, and options for a model of a few hundred parameters.
#pragma once

#include "apps/options/train_options.h"
#include "apps/train/minibatches.h"
#include "apps/train/trainer.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {

inline ParallelCorpus random_corpus(int count, std::uint64_t seed = 1) {
  const SentencePairs pairs = random_pairs(count, seed);
  ParallelCorpus corpus;
  for (std::size_t i = 0; i < pairs.size(); ++i) corpus.add(pairs.sources[i], pairs.targets[i]);
  return corpus;
}

// Options that make the effect of an update observable.
inline TrainOptions plain_options() {
  TrainOptions options;
  make_plain(options);
  options.config = small_config();
  options.mini_batch = 8;
  options.quiet = true;
  return options;
}

}  // namespace mininmt
