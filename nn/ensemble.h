// Several models that translate together.
#pragma once

#include <memory>
#include <vector>

#include "nn/model.h"

namespace mininmt {

// The mean of the models' probabilities of each next word (linear, as in fairseq and in Sutskever et al.
// 2014; Marian takes the mean of log p, which is not normalised):
//
//     p(y_i | y_<i, x) = sum_k w_k p_k(y_i | y_<i, x)        sum_k w_k = 1
//
// alpha is the mean of those that have attention. It is no model to train or save.
class Ensemble : public Model {
 public:
  // Models of any families, with the same words, in the same memory. weights: one each, not negative, made to
  // add up to 1; empty: all the same. Throws Error otherwise.
  explicit Ensemble(std::vector<std::shared_ptr<const Model>> models, std::vector<double> weights = {});

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override;  // throws Error
  bool attends() const override;
  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override;
  int attention_delay() const override;  // the largest

 private:
  std::vector<std::shared_ptr<const Model>> models_;
  std::vector<double> weights_;
};

}  // namespace mininmt
