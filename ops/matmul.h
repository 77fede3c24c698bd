// Matrix products.
#pragma once

#include <memory>
#include <vector>

#include "autograd/tape.h"

namespace mininmt {

// y = op(a) op(b), where op transposes if told to: a (m, k), or (k, m) transposed; b (k, n), or (n, k); y (m,
// n).
//   da += dy op(b)^T        db += op(a)^T dy        (each transposed back where the operand was)
Var matmul(Var a, Var b, bool transpose_a = false, bool transpose_b = false);

// y = x W^T, or x W^T + bias: x (..., k), W (n, k), bias (n) -> y (..., n).
//   dx += dy W        dW += dy^T x        dbias += sum of the rows of dy
Var linear(Var x, Var W);
Var linear(Var x, Var W, Var bias);

// A weight (n, k) that is used at each step of a loop. Its gradient, sum over steps of dy_t^T x_t, is not
// added a step at a time: each step hands in its x_t and dy_t, and one product over all steps follows when
// backward comes past the place where the StepWeight was made. So make it before the loop.
class StepWeight {
 public:
  explicit StepWeight(Var W);

  Var var() const { return W_; }
  const Tensor& value() const { return W_.value(); }

  // The forward pass of a step announces the rows that its backward pass will hand in, so that there is room
  // for all.
  void expect(std::int64_t rows) const { pending_->expected += rows; }

  // Hands in one step: the gradient of rows [first_row, first_row + row_count) gets dy^T x, with x (rows, k)
  // and dy (rows, row_count). Their rows lie x_stride and dy_stride apart; both are copied.
  void add_step(std::int64_t rows, const real* x, std::int64_t x_stride, const real* dy,
                std::int64_t dy_stride, std::int64_t first_row, std::int64_t row_count) const;

 private:
  struct Rows {  // of the steps handed in so far, for one block of rows of W
    std::int64_t first_row, count = 0;
    Tensor x, dy;  // (expected, k), (expected, row_count)
  };
  struct Pending {
    std::int64_t expected = 0;
    std::vector<Rows> blocks;
  };
  Var W_;
  std::shared_ptr<Pending> pending_ = std::make_shared<Pending>();
};

Var linear(Var x, const StepWeight& W);

}  // namespace mininmt
