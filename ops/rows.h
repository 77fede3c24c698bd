// Small loops over matrix rows, shared by several operations. Those on tensors run on the tensors' device;
// those on pointers run on the CPU.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// y += x
void add_to(const Tensor& x, const Tensor& y);

// y += factor x
void add_scaled(real factor, const Tensor& x, const Tensor& y);

// Each row of y (rows, n) += x (n)
void add_to_rows(const Tensor& x, const Tensor& y);

// y (n) += the rows of x (..., n), in their order
void add_sum_of_rows(const Tensor& x, const Tensor& y);

// Columns [first, first + width) of matrices, stacked: (all rows, width). On a GPU all have as many rows.
Tensor join_columns(const std::vector<Tensor>& blocks, std::int64_t first, std::int64_t width);

// Row i of y (N, n) = row index[i] of x (*, n), zeros where index[i] is kNone.
void gather(const Tensor& x, const Indices& index, const Tensor& y);

// Row index[i] of y += row i of x, in the order of i; skips rows with kNone.
void scatter_add(const Tensor& x, const Indices& index, const Tensor& y);

// Adds g to the gradient of x; the caller no longer changes g.
inline void add_gradient(Var x, const Tensor& g) {
  if (!x.adopt_gradient(g)) add_to(g, x.gradient());
}

// The gradient of x; if it needs none, zeros to write to, on the host, or a null pointer for kernels.
inline Tensor gradient_or_zeros(Var x) {
  return x.needs_gradient() ? x.gradient() : Tensor::zeros(x.shape());
}
inline real* gradient_or_null(Var x) { return x.needs_gradient() ? x.gradient().data() : nullptr; }

// x . y, both (n)
real dot(std::int64_t n, const real* x, const real* y);

// y (n) += x (n)
void add_to(std::int64_t n, const real* x, real* y);

// y (n) += factor x (n)
void add_scaled(std::int64_t n, real factor, const real* x, real* y);

// y (n) += the rows of x (rows, n), in their order
void add_sum_of_rows(std::int64_t rows, std::int64_t n, const real* x, real* y);

}  // namespace mininmt
