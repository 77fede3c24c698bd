#include "nn/training/schedule.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace mininmt {

double halved(double rate, double from, double every, double epochs) {
  if (epochs < from) return rate;
  return rate * std::exp2(-1 - std::floor((epochs - from) / every));
}

double rate_factor(std::int64_t t, int w, int d) {
  const double update = static_cast<double>(t);
  const double rising = w > 0 ? std::min(1.0, update / w) : 1,
               falling = d > 0 ? std::min(1.0, std::sqrt(d / update)) : 1;
  return rising * falling;
}

bool Schedule::beats(std::size_t metric, double a, double b) const {
  return options_.higher_is_better[metric] ? a > b : a < b;
}

bool Schedule::is_best(const std::vector<double>& scores) const {
  if (best_.empty()) return true;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] != best_[i]) return beats(i, scores[i], best_[i]);
  return false;
}

bool Schedule::take(const std::vector<double>& scores) {
  improved_.assign(scores.size(), false);
  const bool usable = std::none_of(scores.begin(), scores.end(), [](double x) { return std::isnan(x); });
  const bool best = usable && is_best(scores);
  if (usable) {
    for (std::size_t i = 0; i < scores.size(); ++i)
      improved_[i] = best_.empty() || beats(i, scores[i], best_of_each_[i]);
    if (best_.empty()) best_of_each_ = scores;
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (improved_[i]) best_of_each_[i] = scores[i];
  }
  if (best) best_ = scores;
  stalls_ = best ? 0 : stalls_ + 1;
  return best;
}

void Schedule::visit(StateVisitor& visitor) {
  visitor.visit("stalls", stalls_);
  std::int64_t has = has_best();
  visitor.visit("has-best", has);
  for (auto* scores : {&best_, &best_of_each_})
    scores->resize(has == 0 ? 0 : options_.higher_is_better.size());
  for (std::size_t i = 0; i < best_.size(); ++i) {
    visitor.visit(join("best.", i + 1), best_[i]);
    visitor.visit(join("best-of-each.", i + 1), best_of_each_[i]);
  }
}

double Schedule::learn_rate(double rate) const {
  const bool decays = options_.lr_decay > 0 && stalls_ > 0 && stalls_ % options_.lr_decay_patience == 0;
  return decays ? rate * options_.lr_decay : rate;
}

}  // namespace mininmt
