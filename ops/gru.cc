#include "ops/gru.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "cuda/kernels.h"
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
  Memory& memory;
  std::int64_t batch, n;
  const real* U;                     // (3n, n)
  const Indices* lengths = nullptr;  // none: all are active
  std::int32_t t = 0;

  // x (B, 3n), h (B, n) -> next (B, n); keeps gates = [z, r, h~] (B, 3n) and reset = r * h (B, n). add: what
  // gates holds before, C c, is one more term.
  void forward(const real* x, const real* h, real* gates, real* reset, real* next, bool add) const {
    gemm(memory, batch, 2 * n, n, {h, n}, {U, n, true}, gates, 3 * n, add);
    compute_gates(x, h, gates, reset);
    gemm(memory, batch, n, n, {reset, n}, {U + 2 * n * n, n, true}, gates + 2 * n, 3 * n, add);
    compute_state(x, h, gates, next);
  }

  // The gradient of the new state is dnext, or dnext + dy (each (B, n)): dx (B, 3n) is set, dh (B, n) set or
  // added to.
  void backward(const real* h, const real* gates, const real* dnext, const real* dy, real* dx, real* dh,
                bool add) const {
    state_gradient(h, gates, dnext, dy, dx, dh, add);
    const Tensor q({batch, n}, memory);
    gemm(memory, batch, n, n, {dx + 2 * n, 3 * n}, {U + 2 * n * n, n}, q.data(), n, false);
    reset_gradient(h, gates, q.data(), dx, dh);
    gemm(memory, batch, n, 2 * n, {dx, 3 * n}, {U, n}, dh, n, true);
  }

 private:
  bool active(std::int64_t b) const { return !lengths || t < (*lengths)[b]; }
  bool on_cuda() const { return kHasCuda && !memory.on_host(); }
  cuda::GruStep cuda_step() const { return {batch, n, lengths ? lengths->in(memory) : nullptr, t, {}}; }

  void compute_gates(const real* x, const real* h, real* gates, real* reset) const {
    if constexpr (kHasCuda)
      if (on_cuda()) return cuda::gru_gates(cuda_step(), x, h, gates, reset);
    parallel_for(batch, 16 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        if (active(b))
          gates_row(n, x + b * 3 * n, h + b * n, gates + b * 3 * n, reset + b * n);
        else
          std::fill(reset + b * n, reset + (b + 1) * n,
                    real{0});  // a NaN in padding must not reach dU as 0 * NaN
      }
    });
  }

  void compute_state(const real* x, const real* h, real* gates, real* next) const {
    if constexpr (kHasCuda)
      if (on_cuda()) return cuda::gru_state(cuda_step(), x, h, gates, next);
    parallel_for(batch, 8 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        if (active(b))
          state_row(n, x + b * 3 * n, h + b * n, gates + b * 3 * n, next + b * n);
        else
          std::copy(h + b * n, h + (b + 1) * n, next + b * n);
      }
    });
  }

  void state_gradient(const real* h, const real* gates, const real* dnext, const real* dy, real* dx, real* dh,
                      bool add) const {
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

  void reset_gradient(const real* h, const real* gates, const real* q, real* dx, real* dh) const {
    if constexpr (kHasCuda)
      if (on_cuda()) return cuda::gru_reset_gradient(cuda_step(), h, gates, q, dx, dh);
    for (std::int64_t b = 0; b < batch; ++b)
      if (active(b))
        reset_gradient_row(n, h + b * n, gates + b * 3 * n, q + b * n, dx + b * 3 * n, dh + b * n);
  }
};

}  // namespace

void check_gru(const char* op, Var x, Var U, const Indices& lengths) {
  check_rank(op, "x", x.shape(), 3, 3);
  check_rank(op, "U", U.shape(), 2, 2);
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1];
  check_shape(op, "U", U.shape(), {3 * n, n});
  check_shape(op, "x", x.shape(), {steps, batch, 3 * n});
  check_lengths(op, lengths, steps, batch);
}

Var gru_sequence(Var x, Var U, const Indices& lengths, Direction direction) {
  check_gru("gru_sequence", x, U, lengths);
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1], size = batch * n;
  Memory& memory = x.value().memory();
  const Tensor h({steps, batch, n}, memory), gates({steps, batch, 3 * n}, memory),
      reset({steps, batch, n}, memory);
  const Tensor zero = Tensor::zeros({batch, n}, memory);
  const bool forward = direction == Direction::kForward;
  const auto time = [=](std::int64_t i) { return forward ? i : steps - 1 - i; };  // of the i-th step taken
  const auto state_before = [=](std::int64_t i) {
    return i == 0 ? zero.data() : h.data() + time(i - 1) * size;
  };
  const auto step = [=, &memory](const Indices& lengths, std::int64_t t) {
    return Step{memory, batch, n, U.value().data(), &lengths, static_cast<std::int32_t>(t)};
  };
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = time(i);
    step(lengths, t)
        .forward(x.value().data() + t * 3 * size, state_before(i), gates.data() + t * 3 * size,
                 reset.data() + t * size, h.data() + t * size, false);
  }
  return x.tape->record("gru_sequence", h, {x, U}, [=, &memory](const Tensor&, const Tensor& dy) {
    const Tensor dx({steps, batch, 3 * n}, memory);
    Tensor dh = Tensor::zeros({batch, n}, memory), dh_before({batch, n}, memory);
    for (std::int64_t i = steps - 1; i >= 0; --i) {
      const std::int64_t t = time(i);
      step(lengths, t)
          .backward(state_before(i), gates.data() + t * 3 * size, dh.data(), dy.data() + t * size,
                    dx.data() + t * 3 * size, dh_before.data(), false);
      std::swap(dh, dh_before);
    }
    if (x.needs_gradient()) add_gradient(x, dx);
    if (!U.needs_gradient()) return;
    // The states before each step but the first, which is 0, are h without its last step taken.
    real* const dU = U.gradient().data();
    const real* const dx_later = dx.data() + (forward ? 3 * size : 0);
    const real* const h_before = h.data() + (forward ? 0 : size);
    gemm(memory, 2 * n, n, (steps - 1) * batch, {dx_later, 3 * n, true}, {h_before, n}, dU, n, true);
    gemm(memory, n, n, steps * batch, {dx.data() + 2 * n, 3 * n, true}, {reset.data(), n}, dU + 2 * n * n, n,
         true);
  });
}

namespace {

struct ThirdTerm {
  Var c;
  StepWeight C;
};

Var step_with(Var x, Var h, const StepWeight& U, const std::optional<ThirdTerm>& third) {
  check_rank("gru_step", "h", h.shape(), 2, 2);
  const std::int64_t batch = h.shape()[0], n = h.shape()[1];
  check_shape("gru_step", "x", x.shape(), {batch, 3 * n});
  check_shape("gru_step", "U", U.value().shape(), {3 * n, n});
  Memory& memory = x.value().memory();
  const Tensor next({batch, n}, memory), reset({batch, n}, memory);
  const Tensor gates = third ? linear_forward(third->c, third->C.value()) : Tensor({batch, 3 * n}, memory);
  Step{memory, batch, n, U.value().data()}.forward(x.value().data(), h.value().data(), gates.data(),
                                                   reset.data(), next.data(), third.has_value());
  std::vector<Var> inputs = {x, h, U.var()};
  if (third) inputs.insert(inputs.end(), {third->c, third->C.var()});
  return x.tape->record("gru_step", next, inputs, [=, &memory](const Tensor&, const Tensor& dy) {
    const bool add = h.needs_gradient() && h.has_gradient();
    const Tensor dx({batch, 3 * n}, memory), dh = add ? h.gradient() : Tensor({batch, n}, memory);
    Step{memory, batch, n, U.value().data()}.backward(h.value().data(), gates.data(), dy.data(), nullptr,
                                                      dx.data(), dh.data(), add);
    if (h.needs_gradient() && !add) h.adopt_gradient(dh);
    if (x.needs_gradient()) add_gradient(x, dx);
    U.add_step(h.value(), dx, 0, 2 * n);
    U.add_step(reset, dx, 2 * n, n);
    if (!third) return;
    linear_input_gradient(third->c, third->C.value(), dx);
    third->C.add_step(third->c.value(), dx, 0, 3 * n);
  });
}

}  // namespace

Var gru_step(Var x, Var h, const StepWeight& U) { return step_with(x, h, U, std::nullopt); }

Var gru_step(Var x, Var h, const StepWeight& U, Var c, const StepWeight& C) {
  check_linear(c, C.value().shape());
  check_shape("gru_step", "C", C.value().shape(), {3 * h.shape()[-1], c.shape()[-1]});
  check_shape("gru_step", "c", c.shape(), {h.shape()[0], c.shape()[-1]});
  return step_with(x, h, U, ThirdTerm{c, C});
}

}  // namespace mininmt
