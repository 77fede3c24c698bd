// What follows from validation: the best score so far, learning rate decay at stalls, early stopping.
#pragma once

#include <optional>

namespace mininmt {

class Schedule {
 public:
  struct Options {
    bool higher_is_better = false;
    double lr_decay = 0;        // factor on the learning rate; 0: no decay
    int lr_decay_patience = 1;  // stalls in a row before each decay
    int early_stopping = 0;     // stalls in a row that end training; 0: never
  };

  explicit Schedule(const Options& options) : options_(options) {}

  // Takes the next validation's score, NaN if the model is unusable. Returns whether it is better than all
  // before; if not, that is a stall.
  bool take(double score);

  bool has_best() const { return best_.has_value(); }
  int stalls() const { return stalls_; }  // since the best, or the start

  // The learning rate after the last validation, given the `rate` before it.
  double learn_rate(double rate) const;
  bool stops() const { return options_.early_stopping > 0 && stalls_ >= options_.early_stopping; }

 private:
  Options options_;
  std::optional<double> best_;
  int stalls_ = 0;
};

}  // namespace mininmt
