// The output layer in search (MODEL.md 4): p(y) = softmax(W_o t + b_y), over all words or a few of them.
#pragma once

#include "nn/model.h"

namespace mininmt {

class OutputLayer {
 public:
  OutputLayer(const Parameter& W, const Parameter& b) : W_(W.value), b_(b.value) {}

  // From now on predicts only these words, in this order.
  void restrict_to(const Indices& words);

  // t (R, l) -> scores (R, V), V the number of words predicted.
  Prediction predict(Var t, const Tensor& alpha) const;

 private:
  Tensor W_, b_;  // (V, l), (V)
};

}  // namespace mininmt
