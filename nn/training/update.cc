#include "nn/training/update.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "cuda/kernels.h"
#include "nn/training/schedule.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
Updater::Updater(Model& model, const Recipe& recipe)
    : model_(model),
      recipe_(recipe),
      optimizer_(make_optimizer(recipe.optimizer, recipe.learn_rate, model.parameters().values())) {
  optimizer_->adam_beta2 = recipe.adam_beta2;
  optimizer_->adam_epsilon = recipe.adam_epsilon;
  if (recipe.exponential_smoothing > 0) average_ = model.parameters().values().clone();
}

UpdateReport Updater::update(const Minibatch& minibatch) {
  start(minibatch);
  return reports(true).back();
}

void Updater::visit(StateVisitor& visitor) {
  visitor.visit("updates", updates_);
  visitor.visit("parameters", model_.parameters().values());
  if (average_.defined()) visitor.visit("average", average_);
  optimizer_->visit(visitor);
}

UpdateReport Updater::counts(const Minibatch& minibatch) const {
  UpdateReport report;
  report.update = updates_ + 1;
  report.sentences = minibatch.sentences();
  report.words = minibatch.target_words();
  return report;
}

double Updater::cost_scale(const UpdateReport& report) const {
  if (recipe_.cost_type == "ce-mean") return 1.0 / static_cast<double>(report.sentences);
  if (recipe_.cost_type == "ce-mean-words") return 1.0 / static_cast<double>(report.words);
  return 1;  // ce-sum
}

// Larger at first, so that the initial values are quickly forgotten.
double Updater::average_weight() const {
  return std::max(recipe_.exponential_smoothing, 9.0 / (static_cast<double>(updates_) + 10));
}

double Updater::rate_factor() const {
  return mininmt::rate_factor(updates_ + 1, recipe_.lr_warmup, recipe_.lr_decay_inv_sqrt);
}

Noise Updater::noise() const {
  Noise noise{.on = true};
  noise.seed = static_cast<std::uint64_t>(recipe_.seed);
  noise.update = static_cast<std::uint64_t>(updates_);
  return noise;
}

Batch Updater::batch_of(const Minibatch& minibatch, const Noise& noise, const BatchShape& at_least) const {
  Batch batch = make_batch(minibatch.sources, minibatch.targets, at_least);
  // Site 0, which no mask of a model has.
  if (recipe_.word_dropout > 0)
    drop_words(batch, recipe_.word_dropout, {noise.seed, noise.update << 20 | noise.part << 4});
  return batch;
}

void Updater::warn(const std::string& text) const {
  if (tell_) return tell_(text);
  std::fprintf(stderr, "mininmt: warning: %s\n", text.c_str());
}

namespace {

// Each thread computes a part of the minibatch, with its own gradients.
class CpuUpdater final : public Updater {
 public:
  CpuUpdater(Model& model, const Recipe& recipe, int threads) : Updater(model, recipe), threads_(threads) {}

  void start(const Minibatch& minibatch) override {
    UpdateReport report = counts(minibatch);
    report.cost = compute_gradient(minibatch, cost_scale(report));
    report.gradient_norm = l2_norm(gradients_[0]);
    report.applied = std::isfinite(report.gradient_norm) && std::isfinite(report.cost);
    if (report.applied) {
      const double factor = clip_factor(report.gradient_norm, recipe_.clip_norm);
      optimizer_->update(model_.parameters().values(), gradients_[0], factor, rate_factor());
      if (average_.defined()) move_average(average_, model_.parameters().values(), average_weight());
    }
    ++updates_;
    reports_.push_back(report);
  }

  std::vector<UpdateReport> reports(bool) override { return std::exchange(reports_, {}); }

 private:
  // Sets gradients_[0] to the gradient of scale * cost, and returns the cost.
  double compute_gradient(const Minibatch& minibatch, double scale) {
    const std::vector<Minibatch> parts = split(minibatch, threads_);
    while (gradients_.size() < parts.size()) gradients_.push_back(model_.parameters().new_gradients());
    std::vector<double> costs(parts.size());
    parallel_for_each(static_cast<std::int64_t>(parts.size()), threads_, [&](std::int64_t i) {
      Noise own = noise();
      own.part = static_cast<std::uint64_t>(i);
      gradients_[i].fill(0);
      Tape tape(gradients_[i]);
      const Var cost = sum(model_.costs(tape, batch_of(parts[i], own), {recipe_.label_smoothing, own}));
      costs[i] = cost.value().item();
      tape.backward(mininmt::scale(cost, static_cast<real>(scale)));
    });
    double total = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      total += costs[i];
      if (i > 0) add_to(gradients_[i], gradients_[0]);
    }
    return total;
  }

  int threads_;
  std::vector<Tensor> gradients_;  // one per part; the first becomes the sum
  std::vector<UpdateReport> reports_;
};

}  // namespace

std::unique_ptr<Updater> make_updater(Model& model, const Recipe& recipe, int threads) {
  if constexpr (kHasCuda)
    if (model.parameters().values().on_cuda()) return make_cuda_updater(model, recipe);
  return std::make_unique<CpuUpdater>(model, recipe, threads);
}

}  // namespace mininmt
