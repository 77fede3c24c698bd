#include "nn/training/schedule.h"

#include <cmath>

namespace mininmt {

bool Schedule::take(double score) {
  const bool is_best =
      !std::isnan(score) && (!best_ || (options_.higher_is_better ? score > *best_ : score < *best_));
  if (is_best) best_ = score;
  stalls_ = is_best ? 0 : stalls_ + 1;
  return is_best;
}

double Schedule::learn_rate(double rate) const {
  const bool decays = options_.lr_decay > 0 && stalls_ > 0 && stalls_ % options_.lr_decay_patience == 0;
  return decays ? rate * options_.lr_decay : rate;
}

}  // namespace mininmt
