#include "nn/output_layer.h"

#include "ops/arrange.h"
#include "ops/matmul.h"

namespace mininmt {
namespace {

// Rows of x (V, ...).
Tensor picked(const Tensor& x, const Indices& rows) {
  Tape tape;
  return gather_rows(tape.constant(x), rows).value();
}

}  // namespace

void OutputLayer::restrict_to(const Indices& words) {
  W_ = picked(W_, words);
  const std::int64_t all = b_.shape()[0];
  b_ = picked(b_.reshape({all, 1}), words).reshape({static_cast<std::int64_t>(words.size())});
}

Prediction OutputLayer::predict(Var t, const Tensor& alpha) const {
  return {linear_forward(t, W_), b_, alpha};
}

}  // namespace mininmt
