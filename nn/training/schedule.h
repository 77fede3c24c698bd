// What follows from validation: the best score so far, a learning rate that falls when the scores stall, and
// early stopping.
#pragma once

#include <optional>

namespace mininmt {

class Schedule {
 public:
  struct Options {
    bool higher_is_better = false;
    double lr_decay = 0;        // factor on the learning rate; 0: it stays
    int lr_decay_patience = 1;  // stalls in a row before each decay
    int early_stopping = 0;     // stalls in a row that end training; 0: never
  };

  explicit Schedule(const Options& options) : options_(options) {}

  // Takes the score of a validation, in order; NaN if the model is of no use. Returns whether it is the best so
  // far. One that is not, as good as the best included, is a stall.
  bool take(double score);

  bool has_best() const { return best_.has_value(); }
  int stalls() const { return stalls_; }  // since the best, or the start

  // The learning rate from the last validation on, after `rate` before it.
  double learn_rate(double rate) const;
  bool stops() const { return options_.early_stopping > 0 && stalls_ >= options_.early_stopping; }

 private:
  Options options_;
  std::optional<double> best_;
  int stalls_ = 0;
};

}  // namespace mininmt
