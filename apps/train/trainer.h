// A training run: epochs of updates, validation, saving, and when to stop.
#pragma once

#include <functional>
#include <optional>

#include "apps/program/log.h"
#include "apps/program/progress.h"
#include "apps/text/batches.h"
#include "apps/text/corpus.h"
#include "apps/train/validation.h"
#include "nn/training/update.h"

namespace mininmt {

// The model that the options ask for, with parameters at their initial values.
std::unique_ptr<Model> new_model(const TrainOptions& options, std::size_t source_words,
                                 std::size_t target_words);

// How good the model is; empty for a run without validation.
using Validate = std::function<ValidationScores(const Model&)>;

// Seconds since some time that stays the same.
using Clock = std::function<double()>;
double steady_seconds();

class Trainer {
 public:
  // Trains `model` on `corpus` by `updater`, which is the model's own; the model's folder has been started.
  // Holds references.
  Trainer(Model& model, Updater& updater, const ParallelCorpus& corpus, Validate validate,
          const TrainOptions& options, Log& log, Clock clock = steady_seconds);

  // Returns 0, or 128 + the number of the signal that ended it, in which case the model is saved too.
  int run();

 private:
  struct Window {  // since the last line of the log
    double cost = 0, norm = 0;
    std::int64_t updates = 0, sentences = 0, words = 0;
    double since = 0;  // seconds of the clock
  };

  Budget done() const;
  bool due(const Budget& frequency, Budget& last) const;
  double seconds() const { return clock_() - start_; }  // since the start
  double fraction_done() const;
  void take_update();
  void take_reports(bool wait);
  void take_report(const UpdateReport& report);
  void check_finite(const UpdateReport& report);
  std::string cost_text(const Window& window) const;
  void display();
  void validate();
  void stalled();
  void save_last();
  void save(const char* name);
  bool finished();

  Model& model_;
  Updater& updater_;
  const ParallelCorpus& corpus_;
  Validate validate_;
  const TrainOptions& options_;
  Log& log_;
  Clock clock_;
  Progress progress_;
  BatchStream stream_;
  std::uint64_t epoch_ = 1;  // of the last update, counted from 1; the stream stands before the next one
  double start_;
  Window window_;
  Budget displayed_, validated_, saved_;  // what was done when that was done last
  std::optional<double> best_;            // by the first of --valid-metrics
  int stalls_ = 0;                        // validations since the best
  int not_finite_ = 0, not_finite_in_a_row_ = 0;
  std::int64_t words_ = 0;
};

}  // namespace mininmt
