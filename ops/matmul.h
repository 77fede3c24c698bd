// Matrix products.
#pragma once

#include <memory>
#include <vector>

#include "autograd/tape.h"

namespace mininmt {

// y = op(a) op(b), where op transposes if told to: a (m, k), or (k, m) transposed; b (k, n), or (n, k); y (m, n).
//   da += dy op(b)^T        db += op(a)^T dy        (each transposed back where the operand was)
Var matmul(Var a, Var b, bool transpose_a = false, bool transpose_b = false);

// y = x W^T, or x W^T + bias: x (..., k), W (n, k), bias (n) -> y (..., n).
//   dx += dy W        dW += dy^T x        dbias += sum of the rows of dy
Var linear(Var x, Var W);
Var linear(Var x, Var W, Var bias);

// A weight (n, k) that is used at each step of a loop. Its gradient, sum over steps of dy_t^T x_t, is not added a step at
// a time: each step hands in its x_t and dy_t, and one product over all steps follows when backward comes past the place
// where the StepWeight was made. So make it before the loop.
class StepWeight {
 public:
  explicit StepWeight(Var W);

  Var var() const { return W_; }
  const Tensor& value() const { return W_.value(); }

  // Hands in one step: the gradient of rows [first_row, first_row + columns of dy) gets dy^T x. x (rows, k) and
  // dy (rows, *) may be views with the given distance between rows; both are copied.
  void add_step(std::int64_t rows, const real* x, std::int64_t x_stride, const real* dy, std::int64_t dy_stride,
                std::int64_t first_row, std::int64_t row_count) const;

 private:
  struct Pending {
    std::int64_t first_row, row_count;
    std::vector<real> x, dy;  // the rows of all steps so far
  };
  Var W_;
  std::shared_ptr<std::vector<Pending>> pending_ = std::make_shared<std::vector<Pending>>();
};

Var linear(Var x, const StepWeight& W);

}  // namespace mininmt
