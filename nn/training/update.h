// One update of the parameters from one minibatch, or several (MODEL.md 6).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/model.h"
#include "nn/training/minibatch.h"
#include "nn/training/optimizer.h"
#include "nn/training/processes.h"
#include "nn/training/recipe.h"

namespace mininmt {

struct UpdateReport {
  double cost = 0;  // sum of -log p over the minibatches, with any label smoothing
  std::int64_t sentences = 0;
  std::int64_t words = 0;    // of the target, </s> counted
  double gradient_norm = 0;  // before clipping, of the cost as --cost-type scales it
  bool applied = true;       // false: skipped, since the gradient was not finite
  std::int64_t update = 0;   // its number, from 1
};

class Updater {
 public:
  virtual ~Updater() = default;

  // Starts an update, by the gradient of all these minibatches together. On the GPU it may still be running
  // when this returns and when the next one starts.
  void start(std::span<const Minibatch> minibatches) { begin(minibatches); }
  void start(const Minibatch& minibatch) { begin({&minibatch, 1}); }

  // The reports of finished updates since the last call, in order; with `wait`, of all started ones.
  virtual std::vector<UpdateReport> reports(bool wait) = 0;

  // One update, from start to end.
  UpdateReport update(const Minibatch& minibatch);

  // Sets who gets one-line warnings about things that slow updates down; default stderr.
  void on_warning(std::function<void(const std::string&)> tell) { tell_ = std::move(tell); }

  std::int64_t updates() const { return updates_; }  // started so far
  double learn_rate() const { return optimizer_->learn_rate; }
  double rate_factor() const;  // on the learning rate of the next update, from warming up and decay
  void set_learn_rate(double rate) { optimizer_->learn_rate = rate; }

  // Everything that the next update depends on, besides minibatch and recipe. Waits for updates under way,
  // whose reports must have been taken.
  virtual void visit(StateVisitor& visitor);

  // The values to validate and save: the parameters, or their moving average with --exponential-smoothing.
  const Tensor& values() const { return average_.defined() ? average_ : model_.parameters().values(); }

 protected:
  Updater(Model& model, const Recipe& recipe);

  virtual void begin(std::span<const Minibatch> minibatches) = 0;

  UpdateReport counts(std::span<const Minibatch> minibatches) const;  // sentences and words
  double cost_scale(const UpdateReport& report) const;
  double average_weight() const;  // of the new parameters in the moving average
  Noise noise() const;
  Batch batch_of(const Minibatch& minibatch, const Noise& noise, const BatchShape& at_least = {}) const;
  void warn(const std::string& text) const;

  Model& model_;
  const Recipe& recipe_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor average_;
  std::int64_t updates_ = 0;

 private:
  std::function<void(const std::string&)> tell_;
};

// For a model on the CPU or the GPU, wherever its parameters are. threads: on the CPU. processes: which train
// it together; on the CPU all with the same number of parts, on GPUs with a part each.
std::unique_ptr<Updater> make_updater(Model& model, const Recipe& recipe, int threads,
                                      Processes& processes = one_process());

// The GPU's (cuda_update.cc), in builds with CUDA.
std::unique_ptr<Updater> make_cuda_updater(Model& model, const Recipe& recipe, Processes& processes);

}  // namespace mininmt
