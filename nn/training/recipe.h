// How a model is trained, as far as an update of its parameters goes (MODEL.md 6).
#pragma once

#include <cstdint>
#include <string>

namespace mininmt {

// The values here are the defaults of mininmt-train, its preset "small".
struct Recipe {
  std::string optimizer = "adam";  // adadelta, adam, sgd
  double learn_rate = 0.002;
  double clip_norm = 1;               // 0: no clipping
  std::string cost_type = "ce-mean";  // ce-sum, ce-mean, ce-mean-words
  double label_smoothing = 0.1;
  double exponential_smoothing = 0.002;  // weight of the newest parameters in the average; 0: no average
  int seed = 1;
};

}  // namespace mininmt
