#include "ops/gru_cell.h"

#include <algorithm>
#include <vector>

#include "ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"
#include "tensor/tensor.h"

namespace mininmt {
namespace {

// One row: from sums = [U_z h, U_r h] gates = [z, r, .], and reset = r * h. add: gates holds C c, which is
// added.
MININMT_VECTORIZED void gates_row(std::int64_t n, const real* x, const real* h, const real* sums, real* gates,
                                  real* reset, bool add) {
  if (add) {
#pragma omp simd
    for (std::int64_t i = 0; i < 2 * n; ++i) gates[i] = sigmoid(x[i] + (gates[i] + sums[i]));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < 2 * n; ++i) gates[i] = sigmoid(x[i] + sums[i]);
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) reset[i] = gates[n + i] * h[i];
}

// One row: from sums = U (r * h) gates = [z, ., h~], and h' = (1 - z) h + z h~.
MININMT_VECTORIZED void state_row(std::int64_t n, const real* x, const real* h, const real* sums, real* gates,
                                  real* next, bool add) {
  real* const candidate = gates + 2 * n;
  if (add) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i)
      candidate[i] = mininmt::tanh(x[2 * n + i] + (candidate[i] + sums[i]));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) candidate[i] = mininmt::tanh(x[2 * n + i] + sums[i]);
  }
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) next[i] = (1 - gates[i]) * h[i] + gates[i] * candidate[i];
}

// One row of the gradient, without products. dh += dh' (1 - z).
MININMT_VECTORIZED void state_gradient_row(std::int64_t n, const real* h, const real* gates,
                                           const real* dnext, real* dx, real* dh) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real z = gates[i], candidate = gates[2 * n + i];
    dx[i] = dnext[i] * (candidate - h[i]) * sigmoid_slope(z);
    dx[2 * n + i] = dnext[i] * z * tanh_slope(candidate);
    dh[i] += dnext[i] * (1 - z);
  }
}

// One row, given q = dx_h U. dh += q r.
MININMT_VECTORIZED void reset_gradient_row(std::int64_t n, const real* h, const real* gates, const real* q,
                                           real* dx, real* dh) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real r = gates[n + i];
    dx[n + i] = q[i] * h[i] * sigmoid_slope(r);
    dh[i] += q[i] * r;
  }
}

}  // namespace

// C (B, columns) = or += A B, for both GRUs if there are two.
void GruCell::multiply(std::int64_t columns, std::int64_t k, Matrix a, std::int64_t a_apart, Matrix b,
                       real* c, std::int64_t c_stride, std::int64_t c_apart, bool add) const {
  if constexpr (kHasCuda)
    if (second.is_there)
      return cuda::gemm_batched(2, batch, columns, k, {a.data, a.stride, a.transposed}, a_apart,
                                {b.data, b.stride, b.transposed}, U_apart, c, c_stride, c_apart, add);
  gemm(memory, batch, columns, k, a, b, c, c_stride, add);
}

// The products go to a block of their own: oneDNN's fastest kernels leave no gaps between rows.
void GruCell::forward(const real* x, const real* h, real* gates, real* reset, real* next, bool add) const {
  if (on_cuda()) return forward_on_cuda(x, h, gates, reset, next, add);
  const Tensor sums({batch, 2 * n}, memory);
  gemm(memory, batch, 2 * n, n, {h, n}, {U, n, true}, sums.data(), 2 * n, false);
  compute_gates(x, h, sums.data(), gates, reset, add);
  gemm(memory, batch, n, n, {reset, n}, {U + 2 * n * n, n, true}, sums.data(), n, false);
  compute_state(x, h, sums.data(), gates, next, add);
}

void GruCell::forward_on_cuda(const real* x, const real* h, real* gates, real* reset, real* next,
                              bool add) const {
  if constexpr (kHasCuda) {
    const std::int64_t now = second.now;
    multiply(2 * n, n, {h, n}, second.before, {U, n, true}, gates, 3 * n, 3 * now, add);
    cuda::gru_gates(cuda_step(), x, h, gates, reset);
    multiply(n, n, {reset, n}, now, {U + 2 * n * n, n, true}, gates + 2 * n, 3 * n, 3 * now, add);
    cuda::gru_state(cuda_step(), x, h, gates, next);
  }
}

void GruCell::backward(const real* h, const real* gates, const real* dnext, const real* dy, real* dx,
                       real* dh, bool add) const {
  const std::int64_t now = second.now, size = batch * n;
  state_gradient(h, gates, dnext, dy, dx, dh, add);
  const Tensor q({second.is_there ? 2 : 1, batch, n}, memory);
  multiply(n, n, {dx + 2 * n, 3 * n}, 3 * now, {U + 2 * n * n, n}, q.data(), n, size, false);
  reset_gradient(h, gates, q.data(), dx, dh);
  multiply(n, 2 * n, {dx, 3 * n}, 3 * now, {U, n}, dh, n, size, true);
}

void GruCell::compute_gates(const real* x, const real* h, const real* sums, real* gates, real* reset,
                            bool add) const {
  parallel_for(batch, 16 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      if (active(b))
        gates_row(n, x + b * 3 * n, h + b * n, sums + b * 2 * n, gates + b * 3 * n, reset + b * n, add);
      else
        std::fill(reset + b * n, reset + (b + 1) * n,
                  real{0});  // so that NaN in padding doesn't reach dU as 0 * NaN
    }
  });
}

void GruCell::compute_state(const real* x, const real* h, const real* sums, real* gates, real* next,
                            bool add) const {
  parallel_for(batch, 8 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      if (active(b))
        state_row(n, x + b * 3 * n, h + b * n, sums + b * n, gates + b * 3 * n, next + b * n, add);
      else
        std::copy(h + b * n, h + (b + 1) * n, next + b * n);
    }
  });
}

void GruCell::state_gradient(const real* h, const real* gates, const real* dnext, const real* dy, real* dx,
                             real* dh, bool add) const {
  if constexpr (kHasCuda)
    if (on_cuda()) return cuda::gru_state_gradient(cuda_step(), h, gates, dnext, dy, dx, dh, add);
  std::vector<real> sum(static_cast<std::size_t>(n));
  for (std::int64_t b = 0; b < batch; ++b) {
    const real* d = dnext + b * n;
    if (dy) {
      std::copy(d, d + n, sum.begin());
      add_to(n, dy + b * n, sum.data());
      d = sum.data();
    }
    if (!add) std::fill(dh + b * n, dh + (b + 1) * n, real{0});
    if (active(b)) {
      state_gradient_row(n, h + b * n, gates + b * 3 * n, d, dx + b * 3 * n, dh + b * n);
    } else {
      std::fill(dx + b * 3 * n, dx + (b + 1) * 3 * n, real{0});
      add_to(n, d, dh + b * n);
    }
  }
}

void GruCell::reset_gradient(const real* h, const real* gates, const real* q, real* dx, real* dh) const {
  if constexpr (kHasCuda)
    if (on_cuda()) return cuda::gru_reset_gradient(cuda_step(), h, gates, q, dx, dh);
  for (std::int64_t b = 0; b < batch; ++b)
    if (active(b)) reset_gradient_row(n, h + b * n, gates + b * 3 * n, q + b * n, dx + b * 3 * n, dh + b * n);
}

}  // namespace mininmt
