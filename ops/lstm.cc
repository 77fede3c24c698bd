#include "ops/lstm.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "cuda/lstm.h"
#include "ops/arrange.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

using cuda::LstmGates;
using cuda::LstmPeepholes;

// One row: gates = U h becomes [i, f, g, o].
MININMT_VECTORIZED void step_row(std::int64_t n, const real* x, const real* p, const real* c, real* gates,
                                 real* h_next, real* c_next) {
#pragma omp simd
  for (std::int64_t k = 0; k < n; ++k) {
    const LstmGates sums{x[k] + gates[k], x[n + k] + gates[n + k], x[2 * n + k] + gates[2 * n + k],
                         x[3 * n + k] + gates[3 * n + k]};
    const cuda::LstmUnit unit = cuda::lstm_unit(sums, {p[k], p[n + k], p[2 * n + k]}, c[k]);
    gates[k] = unit.gates.i;
    gates[n + k] = unit.gates.f;
    gates[2 * n + k] = unit.gates.g;
    gates[3 * n + k] = unit.gates.o;
    c_next[k] = unit.c;
    h_next[k] = unit.h;
  }
}

// One row of the gradient. dh, of h', becomes 0, and dc, of c', that of c.
MININMT_VECTORIZED void gradient_row(std::int64_t n, const real* p, const real* gates, const real* c,
                                     const real* c_next, real* dh, real* dc, real* dx, real* dp) {
#pragma omp simd
  for (std::int64_t k = 0; k < n; ++k) {
    const LstmGates at{gates[k], gates[n + k], gates[2 * n + k], gates[3 * n + k]};
    const cuda::LstmUnitGradient d =
        cuda::lstm_unit_gradient(at, {p[k], p[n + k], p[2 * n + k]}, c[k], c_next[k], dh[k], dc[k]);
    dx[k] = d.sums.i;
    dx[n + k] = d.sums.f;
    dx[2 * n + k] = d.sums.g;
    dx[3 * n + k] = d.sums.o;
    dp[k] = d.sums.i * c[k];
    dp[n + k] = d.sums.f * c[k];
    dp[2 * n + k] = d.sums.o * c_next[k];
    dc[k] = d.c;
    dh[k] = 0;
  }
}

// All steps, and what backward keeps of them.
struct Sequence {
  Memory& memory;
  std::int64_t steps, batch, n;
  Tensor x, U, p, start_c;
  Indices lengths;
  Tensor gates;   // (T, B, 4n)
  Tensor states;  // (2T + 1, B, n): c_1 .. c_(T-1), h_0 .. h_T, c_T

  Sequence(Var x, const LstmState& start, Var U, Var p, const Indices& lengths)
      : memory(x.value().memory()),
        steps(x.shape()[0]),
        batch(x.shape()[1]),
        n(U.shape()[1]),
        x(x.value()),
        U(U.value()),
        p(p.value()),
        start_c(start.c.value()),
        lengths(lengths),
        gates(x.shape(), memory),
        states({2 * steps + 1, batch, n}, memory) {
    states.slice(steps - 1, 1).set(start.h.value());
  }

  std::int64_t size() const { return batch * n; }
  real* h(std::int64_t t) const { return states.data() + (steps - 1 + t) * size(); }
  real* c(std::int64_t t) const {
    if (t == 0) return start_c.data();
    return states.data() + (t == steps ? 2 * steps : t - 1) * size();
  }
  bool active(std::int64_t b, std::int64_t t) const {
    return lengths.empty() || t < lengths[static_cast<std::size_t>(b)];
  }
  cuda::LstmStep cuda_step(std::int64_t t) const { return {batch, n, lengths.in(memory), t}; }

  // h_1 .. h_T and c_T
  Tensor result() const { return states.slice(steps, steps + 1); }

  void forward() const {
    for (std::int64_t t = 0; t < steps; ++t) {
      real* const g = gates.data() + 4 * t * size();
      gemm(memory, batch, 4 * n, n, {h(t), n}, {U.data(), n, true}, g, 4 * n, false);
      step(t, x.data() + 4 * t * size(), g);
    }
  }

  // From the state before step t, counted from 0, to the one after it.
  void step(std::int64_t t, const real* x_t, real* g) const {
    if constexpr (kHasCuda)
      if (x.on_cuda()) return cuda::lstm_step(cuda_step(t), x_t, p.data(), h(t), c(t), g, h(t + 1), c(t + 1));
    parallel_for(batch, 24 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        if (active(b, t)) {
          step_row(n, x_t + b * 4 * n, p.data(), c(t) + b * n, g + b * 4 * n, h(t + 1) + b * n,
                   c(t + 1) + b * n);
        } else {
          std::copy_n(h(t) + b * n, n, h(t + 1) + b * n);
          std::copy_n(c(t) + b * n, n, c(t + 1) + b * n);
        }
      }
    });
  }

  struct Gradient {
    Tensor x;     // (T, B, 4n)
    Tensor h, c;  // (B, n), of the state before the first step
    Tensor p;     // (T B, 3n), the summands of dp
  };

  // dy (T + 1, B, n), of result()
  Gradient backward(const Tensor& dy) const {
    const Gradient d{Tensor(gates.shape(), memory), Tensor::zeros({batch, n}, memory),
                     dy.slice(steps, 1).clone().reshape({batch, n}), Tensor({steps * batch, 3 * n}, memory)};
    for (std::int64_t t = steps - 1; t >= 0; --t) {
      step_gradient(t, dy.data() + t * size(), d);
      gemm(memory, batch, n, 4 * n, {d.x.data() + 4 * t * size(), 4 * n}, {U.data(), n}, d.h.data(), n, true);
    }
    return d;
  }

  // Step t without its product: the gradient dh of h after it becomes 0, or stays where a sentence has ended.
  void step_gradient(std::int64_t t, const real* dy, const Gradient& d) const {
    const real* const g = gates.data() + 4 * t * size();
    real* const dx = d.x.data() + 4 * t * size();
    real* const dp = d.p.data() + 3 * t * size();
    if constexpr (kHasCuda)
      if (x.on_cuda())
        return cuda::lstm_step_gradient(cuda_step(t), p.data(), g, c(t), c(t + 1), dy, d.h.data(), d.c.data(),
                                        dx, dp);
    parallel_for(batch, 24 * n, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        real* const dh = d.h.data() + b * n;
        add_to(n, dy + b * n, dh);
        if (active(b, t)) {
          gradient_row(n, p.data(), g + b * 4 * n, c(t) + b * n, c(t + 1) + b * n, dh, d.c.data() + b * n,
                       dx + b * 4 * n, dp + b * 3 * n);
        } else {
          std::fill_n(dx + b * 4 * n, 4 * n, real{0});
          std::fill_n(dp + b * 3 * n, 3 * n, real{0});
        }
      }
    });
  }

  // dU (4n, n) += one product over all steps
  void add_weight_gradient(const Tensor& dx, const Tensor& dU) const {
    gemm(memory, 4 * n, n, steps * batch, {dx.data(), 4 * n, true}, {h(0), n}, dU.data(), n, true);
  }
};

void check(Var x, const LstmState& start, Var U, Var p, const Indices& lengths) {
  check_rank("lstm", "x", x.shape(), 3, 3);
  check_rank("lstm", "U", U.shape(), 2, 2);
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1];
  check_shape("lstm", "U", U.shape(), {4 * n, n});
  check_shape("lstm", "x", x.shape(), {steps, batch, 4 * n});
  check_shape("lstm", "p", p.shape(), {3 * n});
  check_shape("lstm", "h", start.h.shape(), {batch, n});
  check_shape("lstm", "c", start.c.shape(), {batch, n});
  if (!lengths.empty()) check_lengths("lstm", lengths, steps, batch);
}

}  // namespace

LstmStates lstm(Var x, const LstmState& start, Var U, Var p, const Indices& lengths) {
  check(x, start, U, p, lengths);
  const Sequence sequence(x, start, U, p, lengths);
  sequence.forward();
  const Var states = x.tape->record("lstm", sequence.result(), {x, start.h, start.c, U, p},
                                    [=](const Tensor&, const Tensor& dy) {
                                      const Sequence::Gradient d = sequence.backward(dy);
                                      if (x.needs_gradient()) add_gradient(x, d.x);
                                      if (start.h.needs_gradient()) add_gradient(start.h, d.h);
                                      if (start.c.needs_gradient()) add_gradient(start.c, d.c);
                                      if (p.needs_gradient()) add_sum_of_rows(d.p, p.gradient());
                                      if (U.needs_gradient()) sequence.add_weight_gradient(d.x, U.gradient());
                                    });
  const std::int64_t steps = x.shape()[0];
  return {slice(states, 0, steps), {step(states, steps - 1), step(states, steps)}};
}

}  // namespace mininmt
