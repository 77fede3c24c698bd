#include "nn/training/update.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "cuda/kernels.h"
#include "nn/training/part_sums.h"
#include "nn/training/schedule.h"
#include "ops/bf16_products.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
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

UpdateReport Updater::counts(std::span<const Minibatch> minibatches) const {
  UpdateReport report;
  report.update = updates_ + 1;
  for (const Minibatch& minibatch : minibatches) {
    report.sentences += minibatch.sentences();
    report.words += minibatch.target_words();
  }
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
  const Minibatch sorted = longest_first(minibatch);
  Batch batch = make_batch(sorted.sources, sorted.targets, at_least);
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

// Each minibatch is cut into parts, which are computed one on each thread of each process, with gradients of
// their own.
class CpuUpdater final : public Updater {
 public:
  CpuUpdater(Model& model, const Recipe& recipe, int threads, Processes& processes)
      : Updater(model, recipe),
        threads_(threads),
        parts_(recipe.parts > 0 ? recipe.parts : threads * processes.count()),
        processes_(processes),
        sums_(model.parameters(), processes, threads) {
    if (recipe.bf16) bf16_.emplace(model.parameters().values().values());
  }

  std::vector<UpdateReport> reports(bool) override { return std::exchange(reports_, {}); }

 private:
  void begin(std::span<const Minibatch> minibatches) override {
    UpdateReport report = counts(minibatches);
    const std::vector<double> costs = compute_parts(minibatches, cost_scale(report));
    const Tensor& gradient = sums_.sum();
    report.cost = sum_of_all(costs);
    report.gradient_norm = l2_norm(gradient);
    report.applied = std::isfinite(report.gradient_norm) && std::isfinite(report.cost);
    if (report.applied) {
      const double factor = clip_factor(report.gradient_norm, recipe_.clip_norm);
      optimizer_->update(model_.parameters().values(), gradient, factor, rate_factor());
      if (average_.defined()) move_average(average_, model_.parameters().values(), average_weight());
    }
    ++updates_;
    reports_.push_back(report);
  }

  // Computes the gradient of scale * cost in parts, and returns the costs of this process's own.
  std::vector<double> compute_parts(std::span<const Minibatch> minibatches, double scale) {
    std::vector<Minibatch> parts;
    for (const Minibatch& minibatch : minibatches)
      for (Minibatch& part : split(minibatch, parts_)) parts.push_back(std::move(part));
    const PartTree::Range own = sums_.begin(static_cast<std::int64_t>(parts.size()));
    std::vector<double> costs(parts.size());
    std::optional<Bf16Products::Use> rounded;
    if (bf16_) rounded.emplace(*bf16_);
    constexpr std::int64_t kSeveral = 2;  // a part has one thread, always: products on more have other bits
    const auto compute = [&](std::int64_t i) {
      const std::int64_t part = own.begin + i;
      Noise noise = this->noise();
      noise.part = static_cast<std::uint64_t>(part);
      const Tensor gradient = sums_.start(part);
      Tape tape(gradient);
      tape.on_final([&](const Parameter& parameter) { sums_.is_final(parameter); });
      const BatchShape at_least{0, 0, Bf16Products::padded(parts[part].target_words())};
      const Batch batch = batch_of(parts[part], noise, at_least);
      const Var cost = mininmt::sum(model_.costs(tape, batch, {recipe_.label_smoothing, noise}));
      costs[part] = cost.value().item();
      tape.backward(mininmt::scale(cost, static_cast<real>(scale)));
      sums_.put(part, gradient, own.size() > threads_);
    };
    parallel_for_each(own.size(), threads_, compute, kSeveral);
    return costs;
  }

  // In the order of the parts. Each process knows the costs of its own.
  double sum_of_all(const std::vector<double>& own) const {
    const std::size_t count = own.size();
    std::vector<double> all(count * static_cast<std::size_t>(processes_.count()));
    processes_.gather(own.data(), count * sizeof(double), all.data());
    const PartTree tree(static_cast<std::int64_t>(count));
    double sum = 0;
    for (int rank = 0; rank < processes_.count(); ++rank) {
      const auto [begin, end] = tree.parts_of(rank, processes_.count());
      for (std::int64_t part = begin; part < end; ++part)
        sum += all[static_cast<std::size_t>(rank) * count + static_cast<std::size_t>(part)];
    }
    return sum;
  }

  int threads_, parts_;
  Processes& processes_;
  PartSums sums_;
  std::optional<Bf16Products> bf16_;
  std::vector<UpdateReport> reports_;
};

}  // namespace

std::unique_ptr<Updater> make_updater(Model& model, const Recipe& recipe, int threads, Processes& processes) {
  if constexpr (kHasCuda)
    if (model.parameters().values().on_cuda()) return make_cuda_updater(model, recipe, processes);
  return std::make_unique<CpuUpdater>(model, recipe, threads, processes);
}

}  // namespace mininmt
