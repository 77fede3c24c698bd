// Matrix products.
#pragma once

#include <memory>
#include <vector>

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// y (m, n) = op(a) op(b), where op is an optional transpose: a (m, k), or (k, m) transposed; b (k, n) or
// (n, k).
//   da += dy op(b)^T        db += op(a)^T dy        (transposed like the operand)
Var matmul(Var a, Var b, bool transpose_a = false, bool transpose_b = false);

// y_b = sum_j weights_bj values_jb, the context vectors of attention: weights (B, S), values (S, B, n) -> y
// (B, n); on the CPU also for the first sentences only. A weight of 0 does not mask a non-finite value. In
// search row r is of sentence sentence_of_row[r]: weights (R, S) -> y (R, n), without gradient, and best with
// neighbouring rows of one sentence.
//   dweights_bj += dy_b . values_jb        dvalues_jb += weights_bj dy_b
Var weighted_sum(Var weights, Var values, const Indices& sentence_of_row = {});

// e_bj = query_b . keys_jb, the scores of attention: query (B, n), keys (S, B, n) -> e (B, S). In search
// likewise.
//   dquery_b += sum_j de_bj keys_jb        dkeys_jb += de_bj query_b
Var dot_scores(Var query, Var keys, const Indices& sentence_of_row = {});

// y = x W^T, or x W^T + bias: x (..., k), W (n, k), bias (n) -> y (..., n).
//   dx += dy W        dW += dy^T x        dbias += sum of the rows of dy
Var linear(Var x, Var W);
Var linear(Var x, Var W, Var bias);

// Parts of linear(x, W) for operations that contain it: a shape check, which throws Error; x W^T; adding dy W
// to the gradient of x if x needs one.
void check_linear(Var x, const Shape& W);
Tensor linear_forward(Var x, const Tensor& W);
void linear_input_gradient(Var x, const Tensor& W, const Tensor& dy);

// A weight (n, k) used at each step of a loop, which may have fewer rows each time. Its gradient, the sum over
// steps of dy_t^T x_t, is computed as one product over all steps: add_step() stores x_t and dy_t, and the
// product runs when backward() reaches the point where the StepWeight was made. So make it before the loop.
class StepWeight {
 public:
  explicit StepWeight(Var W);

  Var var() const { return W_; }
  const Tensor& value() const { return W_.value(); }

  // Adds a step: rows [first, first + count) of the gradient of W (n, k) get dy^T x, with x (..., k) and dy
  // (..., n), the gradient of x W^T. Keeps x and dy until the product.
  void add_step(const Tensor& x, const Tensor& dy, std::int64_t first, std::int64_t count) const;

 private:
  struct StepRows {  // the steps so far for one block of rows of W
    std::int64_t first, count;
    std::vector<Tensor> x, dy;
  };
  static void add_weight_gradient(Var W, const StepRows& rows);

  Var W_;
  std::shared_ptr<std::vector<StepRows>> pending_ = std::make_shared<std::vector<StepRows>>();
};

Var linear(Var x, const StepWeight& W);

}  // namespace mininmt
