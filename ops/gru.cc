#include "ops/gru.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

// One row: gates = [U_z h, U_r h, .] becomes [z, r, .], and reset = r * h.
MININMT_VECTORIZED void gates_row(std::int64_t n, const real* x, const real* h, real* gates, real* reset) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) gates[i] = sigmoid(x[i] + gates[i]);
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    gates[n + i] = sigmoid(x[n + i] + gates[n + i]);
    reset[i] = gates[n + i] * h[i];
  }
}

// One row: gates = [z, ., U (r * h)] becomes [z, ., h~], and h' = (1 - z) h + z h~.
MININMT_VECTORIZED void state_row(std::int64_t n, const real* x, const real* h, real* gates, real* next) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real z = gates[i], candidate = mininmt::tanh(x[2 * n + i] + gates[2 * n + i]);
    gates[2 * n + i] = candidate;
    next[i] = (1 - z) * h[i] + z * candidate;
  }
}

// One row: the parts of the gradient that need no product. dh += dh' (1 - z).
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

// One row: from q = dx_h U. dh += q r.
MININMT_VECTORIZED void reset_gradient_row(std::int64_t n, const real* h, const real* gates, const real* q,
                                           real* dx, real* dh) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real r = gates[n + i];
    dx[n + i] = q[i] * h[i] * sigmoid_slope(r);
    dh[i] += q[i] * r;
  }
}

// One step of B sentences. A sentence is active unless `lengths` says that it has no word at time t.
struct Step {
  std::int64_t batch, n;
  const real* U;                     // (3n, n)
  const Lengths* lengths = nullptr;  // none: all are active
  std::int64_t t = 0;

  bool active(std::int64_t b) const { return !lengths || t < (*lengths)[b]; }

  // x (B, 3n), h (B, n) -> next (B, n); keeps gates = [z, r, h~] (B, 3n) and reset = r * h (B, n).
  void forward(const real* x, const real* h, real* gates, real* reset, real* next) const {
    gemm(batch, 2 * n, n, {h, n}, {U, n, true}, gates, 3 * n, false);
    parallel_for(batch, 16 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        if (active(b))
          gates_row(n, x + b * 3 * n, h + b * n, gates + b * 3 * n, reset + b * n);
        else
          std::fill(reset + b * n, reset + (b + 1) * n,
                    real{0});  // a NaN in padding must not reach dU as 0 * NaN
      }
    });
    gemm(batch, n, n, {reset, n}, {U + 2 * n * n, n, true}, gates + 2 * n, 3 * n, false);
    parallel_for(batch, 8 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        if (active(b))
          state_row(n, x + b * 3 * n, h + b * n, gates + b * 3 * n, next + b * n);
        else
          std::copy(h + b * n, h + (b + 1) * n, next + b * n);
      }
    });
  }

  // dnext (B, n) -> dx (B, 3n) is set, dh (B, n) is added to.
  void backward(const real* h, const real* gates, const real* dnext, real* dx, real* dh) const {
    for (std::int64_t b = 0; b < batch; ++b) {
      if (active(b)) {
        state_gradient_row(n, h + b * n, gates + b * 3 * n, dnext + b * n, dx + b * 3 * n, dh + b * n);
      } else {
        std::fill(dx + b * 3 * n, dx + (b + 1) * 3 * n, real{0});
        add_to(n, dnext + b * n, dh + b * n);
      }
    }
    Tensor q({batch, n});
    gemm(batch, n, n, {dx + 2 * n, 3 * n}, {U + 2 * n * n, n}, q.data(), n, false);
    for (std::int64_t b = 0; b < batch; ++b)
      if (active(b))
        reset_gradient_row(n, h + b * n, gates + b * 3 * n, q.data() + b * n, dx + b * 3 * n, dh + b * n);
    gemm(batch, n, 2 * n, {dx, 3 * n}, {U, n}, dh, n, true);
  }
};

}  // namespace

Var gru_sequence(Var x, Var U, const Lengths& lengths, Direction direction) {
  check_rank("gru_sequence", "x", x.shape(), 3, 3);
  check_rank("gru_sequence", "U", U.shape(), 2, 2);
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1], size = batch * n;
  check_shape("gru_sequence", "U", U.shape(), {3 * n, n});
  check_shape("gru_sequence", "x", x.shape(), {steps, batch, 3 * n});
  check_lengths("gru_sequence", lengths, steps, batch);

  const Tensor h({steps, batch, n}), gates({steps, batch, 3 * n}), reset({steps, batch, n});
  const Tensor zero = Tensor::zeros({batch, n});
  const bool forward = direction == Direction::kForward;
  const auto time = [=](std::int64_t i) { return forward ? i : steps - 1 - i; };  // of the i-th step taken
  const auto state_before = [=](std::int64_t i) {
    return i == 0 ? zero.data() : h.data() + time(i - 1) * size;
  };

  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = time(i);
    Step{batch, n, U.value().data(), &lengths, t}.forward(x.value().data() + t * 3 * size, state_before(i),
                                                          gates.data() + t * 3 * size,
                                                          reset.data() + t * size, h.data() + t * size);
  }
  return x.tape->record(h, {x, U}, [=](const Tensor&, const Tensor& dy) {
    const Tensor dx({steps, batch, 3 * n});
    Tensor dh = Tensor::zeros({batch, n}), dh_before({batch, n});
    for (std::int64_t i = steps - 1; i >= 0; --i) {
      const std::int64_t t = time(i);
      add_to(size, dy.data() + t * size, dh.data());
      dh_before.fill(0);
      Step{batch, n, U.value().data(), &lengths, t}.backward(state_before(i), gates.data() + t * 3 * size,
                                                             dh.data(), dx.data() + t * 3 * size,
                                                             dh_before.data());
      std::swap(dh, dh_before);
    }
    if (x.needs_gradient()) add_to(dx.size(), dx.data(), x.gradient().data());
    if (!U.needs_gradient()) return;
    // The states before each step but the first, which is 0, are h without its last step taken.
    real* const dU = U.gradient().data();
    const real* const dx_later = dx.data() + (forward ? 3 * size : 0);
    const real* const h_before = h.data() + (forward ? 0 : size);
    gemm(2 * n, n, (steps - 1) * batch, {dx_later, 3 * n, true}, {h_before, n}, dU, n, true);
    gemm(n, n, steps * batch, {dx.data() + 2 * n, 3 * n, true}, {reset.data(), n}, dU + 2 * n * n, n, true);
  });
}

Var gru_step(Var x, Var h, const StepWeight& U) {
  check_rank("gru_step", "h", h.shape(), 2, 2);
  const std::int64_t batch = h.shape()[0], n = h.shape()[1];
  check_shape("gru_step", "x", x.shape(), {batch, 3 * n});
  check_shape("gru_step", "U", U.value().shape(), {3 * n, n});
  const Tensor next({batch, n}), gates({batch, 3 * n}), reset({batch, n});
  Step{batch, n, U.value().data()}.forward(x.value().data(), h.value().data(), gates.data(), reset.data(),
                                           next.data());
  U.expect(batch);
  return x.tape->record(next, {x, h, U.var()}, [=](const Tensor&, const Tensor& dy) {
    const Tensor dx({batch, 3 * n}), dh = h.needs_gradient() ? h.gradient() : Tensor::zeros({batch, n});
    Step{batch, n, U.value().data()}.backward(h.value().data(), gates.data(), dy.data(), dx.data(),
                                              dh.data());
    if (x.needs_gradient()) add_to(dx.size(), dx.data(), x.gradient().data());
    U.add_step(batch, h.value().data(), n, dx.data(), 3 * n, 0, 2 * n);
    U.add_step(batch, reset.data(), n, dx.data() + 2 * n, 3 * n, 2 * n, n);
  });
}

}  // namespace mininmt
