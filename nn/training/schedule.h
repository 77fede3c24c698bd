// The learning rate over time, and what follows from validation: the best score so far, learning rate decay
// at stalls, early stopping.
#pragma once

#include <vector>

#include "nn/training/state.h"

namespace mininmt {

// The learning rate after `epochs`: `rate` halved when `from` epochs are over, and again every `every`
// epochs.
double halved(double rate, double from, double every, double epochs);

// The factor on the learning rate at update t, counted from 1: min(1, t / w) min(1, sqrt(d / t)), which rises
// over w updates and falls after d; 0 for no such part. With w = d and a learning rate of (m w)^-0.5 the
// product is the Transformer's rate m^-0.5 min(t^-0.5, t w^-1.5) (MODEL.md 9.9; Vaswani et al. 2017, 5.3).
double rate_factor(std::int64_t t, int w, int d);

class Schedule {
 public:
  struct Options {
    std::vector<bool> higher_is_better;  // of each metric; a tie in one is decided by the next
    double lr_decay = 0;                 // factor on the learning rate; 0: it stays
    int lr_decay_patience = 1;           // stalls in a row before each decay
    int early_stopping = 0;              // stalls in a row that end training; 0: never
  };

  explicit Schedule(const Options& options) : options_(options) {}

  // Takes the scores of a validation, one for each metric, in order; NaN if the model is of no use. Returns
  // whether they are the best so far. Scores that are not, those as good as the best included, are a stall.
  bool take(const std::vector<double>& scores);

  // Of each metric by itself, whether the last validation's score is its best.
  const std::vector<bool>& improved() const { return improved_; }

  bool has_best() const { return !best_.empty(); }
  std::int64_t stalls() const { return stalls_; }  // since the best, or the start

  // The learning rate after the last validation, given the `rate` before it.
  double learn_rate(double rate) const;
  bool stops() const { return options_.early_stopping > 0 && stalls_ >= options_.early_stopping; }

  void visit(StateVisitor& visitor);

 private:
  bool beats(std::size_t metric, double a, double b) const;
  bool is_best(const std::vector<double>& scores) const;

  Options options_;
  std::vector<double> best_, best_of_each_;
  std::vector<bool> improved_;
  std::int64_t stalls_ = 0;
};

}  // namespace mininmt
