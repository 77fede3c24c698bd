#include "nn/training/schedule.h"

#include <algorithm>
#include <cmath>

namespace mininmt {

bool Schedule::is_better(const std::vector<double>& scores) const {
  if (std::any_of(scores.begin(), scores.end(), [](double x) { return std::isnan(x); })) return false;
  if (best_.empty()) return true;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] != best_[i]) return options_.higher_is_better[i] == (scores[i] > best_[i]);
  return false;
}

bool Schedule::take(const std::vector<double>& scores) {
  const bool best = is_better(scores);
  if (best) best_ = scores;
  stalls_ = best ? 0 : stalls_ + 1;
  return best;
}

void Schedule::visit(StateVisitor& visitor) {
  visitor.visit("stalls", stalls_);
  auto metrics = static_cast<std::int64_t>(best_.size());
  visitor.visit("best-metrics", metrics);
  best_.resize(metrics == 0 ? 0 : options_.higher_is_better.size());
  for (std::size_t i = 0; i < best_.size(); ++i) visitor.visit("best." + std::to_string(i + 1), best_[i]);
}

double Schedule::learn_rate(double rate) const {
  const bool decays = options_.lr_decay > 0 && stalls_ > 0 && stalls_ % options_.lr_decay_patience == 0;
  return decays ? rate * options_.lr_decay : rate;
}

}  // namespace mininmt
