// A training run: epochs of updates, validation, saving, and when to stop.
#pragma once

#include <functional>

#include "apps/program/log.h"
#include "apps/program/progress.h"
#include "apps/text/batches.h"
#include "apps/text/corpus.h"
#include "apps/train/validation.h"
#include "nn/training/schedule.h"
#include "nn/training/update.h"

namespace mininmt {

// The model for these options, with initial parameters.
std::unique_ptr<Model> new_model(const TrainOptions& options, std::size_t source_words,
                                 std::size_t target_words);

// Scores the model; empty for a run without validation.
using Validate = std::function<ValidationScores(const Model&)>;

// Seconds since a fixed time.
using Clock = std::function<double()>;
double steady_seconds();

class Trainer {
 public:
  // Trains `model` on `corpus` with its `updater`, in a model folder that has been started. Holds references.
  Trainer(Model& model, Updater& updater, const ParallelCorpus& corpus, Validate validate,
          const TrainOptions& options, Log& log, Clock clock = steady_seconds);

  // Returns 0, or 128 + the number of the signal that ended it; saves the model in both cases.
  int run();

 private:
  struct Window {  // since the last log line
    double cost = 0, norm = 0;
    std::int64_t updates = 0, sentences = 0, words = 0;
    double since = 0;  // clock, in seconds
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
  std::uint64_t epoch_ = 1;  // of the last update, from 1; the stream is before the next one
  double start_;
  Window window_;
  Budget displayed_, validated_, saved_;  // progress when each was last done
  Schedule schedule_;
  int not_finite_ = 0, not_finite_in_a_row_ = 0;
  std::int64_t words_ = 0;
};

}  // namespace mininmt
