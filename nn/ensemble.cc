#include "nn/ensemble.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

// log sum_k w_k p_k, element by element, from the log p_k; models of weight 0 count for nothing.
Tensor log_of_mean(const std::vector<Tensor>& log_p, const std::vector<double>& weights) {
  for (std::size_t k = 0; k < log_p.size(); ++k)
    for (real& x : log_p[k].values()) x += static_cast<real>(std::log(weights[k]));
  const Tensor mean(log_p[0].shape());
  for (std::int64_t i = 0; i < mean.size(); ++i) {
    double most = log_p[0].data()[i], sum = 0;
    for (const Tensor& own : log_p) most = std::max<double>(most, own.data()[i]);
    for (const Tensor& own : log_p) sum += std::exp(own.data()[i] - most);
    mean.data()[i] = static_cast<real>(most + std::log(sum));
  }
  return mean;
}

// The mean of the weights of source words, of models that have them; undefined if none has.
Tensor mean_alpha(const std::vector<Prediction>& predictions, const std::vector<double>& weights) {
  Tensor mean;
  double total = 0;
  for (std::size_t k = 0; k < predictions.size(); ++k) {
    if (!predictions[k].alpha.defined() || weights[k] == 0) continue;
    const Tensor alpha = predictions[k].alpha.to(cpu_memory());
    if (!mean.defined()) mean = Tensor::zeros(alpha.shape());
    for (std::int64_t i = 0; i < mean.size(); ++i)
      mean.data()[i] += static_cast<real>(weights[k]) * alpha.data()[i];
    total += weights[k];
  }
  if (mean.defined())
    for (real& x : mean.values()) x /= static_cast<real>(total);
  return mean;
}

class EnsembleDecoding : public Decoding {
 public:
  EnsembleDecoding(std::vector<std::unique_ptr<Decoding>> members, const std::vector<double>& weights)
      : members_(std::move(members)), weights_(weights) {}

  State start() const override {
    State state;
    for (const auto& member : members_) state.members.push_back(member->start());
    return state;
  }

  std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                    const Indices& sentence_of_row) const override {
    State after{before.words + 1, {}};
    std::vector<Prediction> predictions;
    std::vector<Tensor> log_p;
    for (std::size_t k = 0; k < members_.size(); ++k) {
      const auto [state, prediction] = members_[k]->step(tape, before.members[k], words, sentence_of_row);
      after.members.push_back(state);
      predictions.push_back(prediction);
      log_p.push_back(log_probabilities(prediction));
    }
    return {after, {log_of_mean(log_p, weights_), {}, mean_alpha(predictions, weights_)}};
  }

  void restrict_to(const Indices& words) override {
    for (const auto& member : members_) member->restrict_to(words);
  }

  void skip_positions(double share) override {
    for (const auto& member : members_) member->skip_positions(share);
  }

 private:
  std::vector<std::unique_ptr<Decoding>> members_;
  std::vector<double> weights_;
};

const Config& first_config(const std::vector<std::shared_ptr<const Model>>& models) {
  if (models.empty()) throw Error("[Ensemble] no models");
  return models[0]->config();
}

}  // namespace

Ensemble::Ensemble(std::vector<std::shared_ptr<const Model>> models, std::vector<double> weights)
    : Model(first_config(models)), models_(std::move(models)), weights_(std::move(weights)) {
  for (const auto& model : models_)
    if (model->config().source_words != config().source_words ||
        model->config().target_words != config().target_words)
      throw Error("[Ensemble] models of different vocabularies");
  if (weights_.empty()) weights_.assign(models_.size(), 1.0);
  const double sum = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  if (weights_.size() != models_.size() || *std::min_element(weights_.begin(), weights_.end()) < 0 ||
      !(sum > 0) || !std::isfinite(sum))
    throw Error(
        join("[Ensemble] ", models_.size(), " models, ", weights_.size(), " weights with a sum of ", sum));
  for (double& weight : weights_) weight /= sum;
}

Var Ensemble::costs(Tape&, const Batch&, const Training&) const {
  throw Error("[Ensemble] is no model to train: its log p come word by word (forced_scores)");
}

bool Ensemble::attends() const {
  for (std::size_t k = 0; k < models_.size(); ++k)
    if (models_[k]->attends() && weights_[k] > 0) return true;
  return false;
}

int Ensemble::attention_delay() const {
  int delay = 1;
  for (const auto& model : models_) delay = std::max(delay, model->attention_delay());
  return delay;
}

std::unique_ptr<Decoding> Ensemble::decode(Tape& tape, const Words& source, const Indices& lengths) const {
  std::vector<std::unique_ptr<Decoding>> members;
  for (const auto& model : models_) members.push_back(model->decode(tape, source, lengths));
  return std::make_unique<EnsembleDecoding>(std::move(members), weights_);
}

}  // namespace mininmt
