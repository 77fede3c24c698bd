// A model in training for tests of updates, on the CPU with one thread or on the GPU.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "nn/training/update.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {

using Pairs = std::vector<std::uint32_t>;

inline const SentencePairs kCorpus = random_pairs(64);

// A model and its updates.
class Trainee {
 public:
  Trainee(const Recipe& options, Memory& memory, const SentencePairs& corpus = kCorpus,
          const Config& config = small_config(), Processes& processes = one_process())
      : options_(options), corpus_(corpus), model_(random_model(config, 1, 0.3)) {
    model_->parameters().move_to(memory);
    updater_ = make_updater(*model_, options_, 1, processes);
  }
  Updater& updater() { return *updater_; }
  UpdateReport update(const Pairs& pairs) { return updater_->update(corpus_.pick(pairs)); }
  UpdateReport update(const std::vector<Pairs>& of_minibatches) {
    std::vector<Minibatch> minibatches;
    for (const Pairs& pairs : of_minibatches) minibatches.push_back(corpus_.pick(pairs));
    updater_->start(minibatches);
    return updater_->reports(true).back();
  }
  void start(const Pairs& pairs) { updater_->start(corpus_.pick(pairs)); }
  const Tensor& parameters() const { return model_->parameters().values(); }
  std::vector<real> values() const { return copy_of(parameters().to(cpu_memory())); }
  std::vector<real> average() const { return copy_of(updater_->values().to(cpu_memory())); }
  // Element i of the parameters.
  void set(std::int64_t i, real x) { parameters().view(i, {}).fill(x); }
  real get(std::int64_t i) const { return parameters().view(i, {}).item(); }

 private:
  Recipe options_;
  const SentencePairs& corpus_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Updater> updater_;
};

inline Recipe training_options(const std::string& optimizer) {
  Recipe options = plain_recipe();
  options.optimizer = optimizer;
  options.learn_rate = optimizer == "adam" ? 0.002 : optimizer == "adadelta" ? 1 : 0.1;
  options.clip_norm = 1;
  options.cost_type = "ce-mean";
  options.label_smoothing = 0.1;
  options.exponential_smoothing = 0.01;
  return options;
}

// Minibatch i: several shapes, some of which come again with other sentences.
inline Pairs minibatch(int i) {
  Pairs pairs;
  const std::uint32_t count = 4 + static_cast<std::uint32_t>(i % 3);
  for (std::uint32_t k = 0; k < count; ++k)
    pairs.push_back((static_cast<std::uint32_t>(i) * 7 + k * 3) % static_cast<std::uint32_t>(kCorpus.size()));
  return pairs;
}

inline double largest_difference(const std::vector<real>& a, const std::vector<real>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

inline bool same_bits(const std::vector<real>& a, const std::vector<real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0;
}

// Rounding errors grow from update to update.
constexpr double kTolerance = sizeof(real) == 4 ? 1e-3 : 1e-8;

}  // namespace mininmt
