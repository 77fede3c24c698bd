// A small parallel corpus in memory and on disk, and options for a model of a few hundred parameters.
#pragma once

#include "apps/train_options.h"
#include "apps/update.h"
#include "tests/unit/model_random.h"

namespace mininmt {

// Pairs of 1 to 7 words a side, of 9 source and 11 target words.
inline ParallelCorpus random_corpus(int pairs, std::uint64_t seed = 1) {
  std::vector<int> source_lengths, target_lengths;
  for (int i = 0; i < pairs; ++i) {
    source_lengths.push_back(2 + i * 5 % 7);
    target_lengths.push_back(2 + i * 3 % 7);
  }
  const Sentences sources = random_sentences(source_lengths, 9, seed),
                  targets = random_sentences(target_lengths, 11, seed + 1);
  ParallelCorpus corpus;
  for (int i = 0; i < pairs; ++i)
    corpus.add(sources[static_cast<std::size_t>(i)], targets[static_cast<std::size_t>(i)]);
  return corpus;
}

// No dropout, no smoothing, no clipping, plain gradient descent: what an update does can be told from
// outside.
inline TrainOptions plain_options() {
  TrainOptions options;
  options.dim_emb = 3;
  options.dim_rnn = 5;
  options.dim_align = 7;
  options.dim_maxout = 3;
  options.optimizer = "sgd";
  options.learn_rate = 0.1;
  options.clip_norm = 0;
  options.cost_type = "ce-sum";
  options.label_smoothing = options.dropout_emb = options.dropout_annotations = options.dropout_readout = 0;
  options.exponential_smoothing = 0;
  options.mini_batch = 8;
  options.quiet = true;
  return options;
}

inline std::vector<real> copy_of(const Tensor& x) { return {x.values().begin(), x.values().end()}; }

}  // namespace mininmt
