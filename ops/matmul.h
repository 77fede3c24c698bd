// Matrix products.
#pragma once

#include <memory>
#include <vector>

#include "autograd/tape.h"

namespace mininmt {

// y (m, n) = op(a) op(b), where op transposes if told to: a (m, k), or (k, m) transposed; b (k, n) or (n, k).
//   da += dy op(b)^T        db += op(a)^T dy        (each transposed back where the operand was)
Var matmul(Var a, Var b, bool transpose_a = false, bool transpose_b = false);

// y_b = sum_j weights_bj values_jb, the context vectors of attention: weights (B, S), values (S, B, n) ->
// y (B, n). A weight of 0 does not hide a value that is not finite.
//   dweights_bj += dy_b . values_jb        dvalues_jb += weights_bj dy_b
Var weighted_sum(Var weights, Var values);

// y = x W^T, or x W^T + bias: x (..., k), W (n, k), bias (n) -> y (..., n).
//   dx += dy W        dW += dy^T x        dbias += sum of the rows of dy
Var linear(Var x, Var W);
Var linear(Var x, Var W, Var bias);

// The pieces of linear(x, W) for operations that contain it: throws Error unless the shapes fit; x W^T; adds
// dy W to the gradient of x if it wants one.
void check_linear(Var x, const Shape& W);
Tensor linear_forward(Var x, const Tensor& W);
void linear_input_gradient(Var x, const Tensor& W, const Tensor& dy);

// A weight (n, k) that is used at each step of a loop. Its gradient, sum over steps of dy_t^T x_t, is not
// added a step at a time: each step hands in its x_t and dy_t, and one product over all steps follows when
// backward comes past the place where the StepWeight was made. So make it before the loop.
class StepWeight {
 public:
  explicit StepWeight(Var W);

  Var var() const { return W_; }
  const Tensor& value() const { return W_.value(); }

  // Hands in one step: rows [first, first + count) of the gradient of W (n, k) get their share of dy^T x,
  // with x (..., k) and dy (..., n), the gradient of x W^T. Both are kept until then.
  void add_step(const Tensor& x, const Tensor& dy, std::int64_t first, std::int64_t count) const;

 private:
  struct StepRows {  // the steps handed in so far for one block of rows of W
    std::int64_t first, count;
    std::vector<Tensor> x, dy;
  };
  static void add_weight_gradient(Var W, const StepRows& rows);

  Var W_;
  std::shared_ptr<std::vector<StepRows>> pending_ = std::make_shared<std::vector<StepRows>>();
};

Var linear(Var x, const StepWeight& W);

}  // namespace mininmt
