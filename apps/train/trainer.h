// A training run: epochs of updates, validation, saving, and when to stop. Of several processes that train
// together each has a Trainer, and all decide the same: by the first one's time, and signals to any.
#pragma once

#include <functional>
#include <optional>

#include "apps/program/log.h"
#include "apps/program/progress.h"
#include "apps/text/batches.h"
#include "apps/text/corpus.h"
#include "apps/train/piece_sampling.h"
#include "apps/train/report.h"
#include "apps/train/saver.h"
#include "apps/train/validation.h"
#include "nn/training/schedule.h"
#include "nn/training/update.h"

namespace mininmt {

// Scores the model, or returns nothing if a signal came meanwhile. Empty for a run without validation.
using Validate = std::function<std::optional<ValidationScores>(const Model&)>;

// Whether costs are told a word, not a sentence.
bool costs_are_of_words(const TrainOptions& options);

// Seconds since a fixed time.
using Clock = std::function<double()>;
double steady_seconds();

class Trainer {
 public:
  // Trains `model` on `corpus` by `updater`, which is the model's own. Holds references.
  Trainer(Model& model, Updater& updater, const ParallelCorpus& corpus, Validate validate, Saver& saver,
          const TrainOptions& options, Log& log, TrainingReport& report, Clock clock = steady_seconds,
          Processes& processes = one_process());

  // From now on minibatches have pieces drawn by it.
  void sample_pieces(PieceSampling& sampling) { sampling_ = &sampling; }

  // Returns 0, or 128 + the number of the signal that ended it. Everything is saved in both cases.
  int run();

  // The whole state of the training; reading it back into a new trainer resumes it.
  void visit(StateVisitor& visitor);

  // Whether there is nothing left to do, which run() would only say.
  bool is_complete() const { return complete_ && reached_end(); }

 private:
  struct Mark {  // a moment of the training
    std::int64_t epochs = 0, updates = 0;
    double seconds = 0;
  };
  struct Window {  // since the last line of the log
    double cost = 0, norm = 0;
    std::int64_t updates = 0, sentences = 0, words = 0;
    double since = 0;  // seconds of training
  };

  void agree();
  Mark now() const;
  bool due(const Budget& frequency, const Mark& last) const;
  double seconds() const { return clock_() - start_; }  // of training, over all its runs
  double epochs() const;                                // so far, with the part of the last one
  double fraction_done() const;
  bool reached_end() const;
  int train();
  int finish();
  void take_update();
  void set_learn_rate(double rate);
  void take_reports(bool wait);
  void take_report(const UpdateReport& report);
  void check_finite(const UpdateReport& report);
  [[noreturn]] void throw_diverged() const;
  std::string cost_text(const Window& window) const;
  bool measures_communication() const;
  double communicated(double seconds) const;
  std::string of_communication(double seconds) const;
  void display();
  bool validate();
  void take_scores(const ValidationScores& scores, double took);
  void or_warn(const std::function<void()>& save);
  void save_best();
  void save_before_validation();
  void save();
  void save_or_say_how();
  int stopped();
  void report_end();
  void save_report();

  Model& model_;
  Updater& updater_;
  const ParallelCorpus& corpus_;
  Validate validate_;
  Saver& saver_;
  const TrainOptions& options_;
  Log& log_;
  TrainingReport& report_;
  Clock clock_;
  Processes& processes_;
  double agreed_seconds_ = 0;  // of training, and the signal received, as the processes last agreed
  int agreed_signal_ = 0;
  double communicated_ = 0;  // seconds, until the last line of the log
  Progress progress_;
  BatchStream stream_;
  PieceSampling* sampling_ = nullptr;
  std::int64_t epoch_ = 1;  // of the last update, counted from 1; the stream stands before the next one
  double start_;            // when the clock would have shown 0 seconds of training
  Window window_;
  Mark displayed_, validated_, saved_;  // when each was last done
  Schedule schedule_;
  Tensor unsaved_best_;  // until kModelFile is written
  std::int64_t not_finite_ = 0, not_finite_in_a_row_ = 0;
  std::int64_t words_ = 0;
  bool at_end_ = false;        // whether the validation is that of finish()
  std::int64_t complete_ = 0;  // 1: the training ended, as far as --after went then
};

}  // namespace mininmt
