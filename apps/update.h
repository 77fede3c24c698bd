// One update of the parameters from one minibatch (MODEL.md 6).
#pragma once

#include <memory>

#include "apps/shards.h"
#include "apps/train_options.h"
#include "nn/optimizer.h"

namespace mininmt {

// The model that the options ask for, with parameters at their initial values.
std::unique_ptr<RnnSearch> new_model(const TrainOptions& options, std::size_t source_words,
                                     std::size_t target_words);

struct UpdateReport {
  double cost = 0;  // sum over the minibatch of -log p, with label smoothing if that is on
  std::int64_t sentences = 0;
  std::int64_t words = 0;    // of the target, </s> counted
  double gradient_norm = 0;  // before clipping, of the cost as --cost-type scales it
  bool applied = true;       // false: the gradient was not finite, and the parameters stay as they were
};

class Updater {
 public:
  Updater(RnnSearch& model, const ParallelCorpus& corpus, const TrainOptions& options, int threads);

  UpdateReport update(std::span<const std::uint32_t> pairs);

  std::int64_t updates() const { return updates_; }  // minibatches seen so far
  double learn_rate() const { return optimizer_->learn_rate; }
  void set_learn_rate(double rate) { optimizer_->learn_rate = rate; }

  // What to validate and save: the parameters, or their running average with --exponential-smoothing.
  const Tensor& values() const { return average_.defined() ? average_ : model_.parameters().values(); }

 private:
  double cost_scale(const UpdateReport& report) const;
  double compute_gradient(std::span<const std::uint32_t> pairs, double scale);
  void update_average();

  RnnSearch& model_;
  const ParallelCorpus& corpus_;
  const TrainOptions& options_;
  int threads_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<Tensor> gradients_;  // one for each shard; the first becomes their sum
  Tensor average_;
  std::int64_t updates_ = 0;
};

}  // namespace mininmt
