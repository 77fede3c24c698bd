// The training options that an update depends on (MODEL.md 6).
#pragma once

#include <cstdint>
#include <string>

namespace mininmt {

// The defaults of mininmt-train, its preset "small".
struct Recipe {
  std::string optimizer = "adam";  // adadelta, adam, sgd
  double learn_rate = 0.002;
  int lr_warmup = 0, lr_decay_inv_sqrt = 0;  // rate_factor() in schedule.h
  double adam_beta2 = 0.999, adam_epsilon = 1e-8;
  double clip_norm = 1;               // 0: no clipping
  std::string cost_type = "ce-mean";  // ce-sum, ce-mean, ce-mean-words
  double label_smoothing = 0.1;
  double word_dropout = 0;               // probability that a word that is read becomes <unk>
  double exponential_smoothing = 0.002;  // weight of the new parameters in the average; 0: none
  int seed = 1;
  int parts = 0;        // into which each minibatch is cut; 0: a part for each thread
  int update_freq = 1;  // minibatches an update
  bool bf16 = false;    // on the CPU, matrix products of bf16 operands (the GPU's setting is cuda's)
};

}  // namespace mininmt
