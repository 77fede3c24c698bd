// What a step of the GRU computes around its two products (ops/gru.h): gates, new state, and their gradients.
// Bound by memory: each of a row's values is read once and written once. A row that is not active is carried
// through, and what x, gates and dy hold there has no effect; its values are read all the same, so that no
// read waits for the length.
#include "cuda/vector.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

// n and what says which rows are active. No member has a gap behind it, so that no parameter of a kernel has
// bytes that nobody wrote.
struct Step {
  Index n;
  const std::int32_t* lengths;
  Index t;
  explicit Step(const GruStep& step) : n(step.n), lengths(step.lengths), t(step.t) {}
  __device__ bool active(Index row) const { return !lengths || t < lengths[row]; }
};

template <int kPack>
struct Gates {
  static constexpr int kWidth = kPack;
  Step step;
  const real *x, *h;
  real *gates, *reset;
  __device__ void operator()(Index, Index row, Index i) const {
    const Index n = step.n, at = row * n + i, at3 = row * 3 * n + i;
    const Pack<kPack> x_z = load<kPack>(x + at3), x_r = load<kPack>(x + at3 + n), h_i = load<kPack>(h + at);
    Pack<kPack> z = load<kPack>(gates + at3), r = load<kPack>(gates + at3 + n), product;
    const bool active = step.active(row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      z.of[k] = mininmt::sigmoid(x_z.of[k] + z.of[k]);
      r.of[k] = mininmt::sigmoid(x_r.of[k] + r.of[k]);
      product.of[k] = active ? r.of[k] * h_i.of[k] : 0;  // a NaN in padding must not reach dU as 0 * NaN
    }
    store(reset + at, product);
    if (!active) return;
    store(gates + at3, z);
    store(gates + at3 + n, r);
  }
};

template <int kPack>
struct State {
  static constexpr int kWidth = kPack;
  Step step;
  const real *x, *h;
  real *gates, *next;
  __device__ void operator()(Index, Index row, Index i) const {
    const Index n = step.n, at = row * n + i, at3 = row * 3 * n + i;
    const Pack<kPack> x_h = load<kPack>(x + at3 + 2 * n), z = load<kPack>(gates + at3);
    Pack<kPack> candidate = load<kPack>(gates + at3 + 2 * n), state = load<kPack>(h + at);
    const bool active = step.active(row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      candidate.of[k] = mininmt::tanh(x_h.of[k] + candidate.of[k]);
      const real mixed = (1 - z.of[k]) * state.of[k] + z.of[k] * candidate.of[k];
      state.of[k] = active ? mixed : state.of[k];
    }
    store(next + at, state);
    if (active) store(gates + at3 + 2 * n, candidate);
  }
};

template <int kPack>
struct StateGradient {
  static constexpr int kWidth = kPack;
  Step step;
  const real *h, *gates, *dnext, *dy;
  const real* sum;  // what dh is added to: dh, or null
  real *dx, *dh;
  __device__ void operator()(Index, Index row, Index i) const {
    const Index n = step.n, at = row * n + i, at3 = row * 3 * n + i;
    const Pack<kPack> z = load<kPack>(gates + at3), candidate = load<kPack>(gates + at3 + 2 * n),
                      h_i = load<kPack>(h + at);
    Pack<kPack> d = load<kPack>(dnext + at), dh_i = sum ? load<kPack>(sum + at) : Pack<kPack>{};
    if (dy) add(load<kPack>(dy + at), d);
    const bool active = step.active(row);
    Pack<kPack> dx_z, dx_h;
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      const real slope_z = sigmoid_slope(z.of[k]), slope_h = tanh_slope(candidate.of[k]);
      dx_z.of[k] = active ? d.of[k] * (candidate.of[k] - h_i.of[k]) * slope_z : 0;
      dx_h.of[k] = active ? d.of[k] * z.of[k] * slope_h : 0;
      dh_i.of[k] += active ? d.of[k] * (1 - z.of[k]) : d.of[k];
    }
    store(dx + at3, dx_z);
    if (!active) store(dx + at3 + n, Pack<kPack>{});
    store(dx + at3 + 2 * n, dx_h);
    store(dh + at, dh_i);
  }
};

template <int kPack>
struct ResetGradient {
  static constexpr int kWidth = kPack;
  Step step;
  const real *h, *gates, *q;
  real *dx, *dh;
  __device__ void operator()(Index, Index row, Index i) const {
    const Index n = step.n, at = row * n + i, at3 = row * 3 * n + i;
    const Pack<kPack> r = load<kPack>(gates + at3 + n), h_i = load<kPack>(h + at), q_i = load<kPack>(q + at);
    Pack<kPack> sum = load<kPack>(dh + at), dx_r;
    const bool active = step.active(row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      dx_r.of[k] = q_i.of[k] * h_i.of[k] * sigmoid_slope(r.of[k]);
      sum.of[k] += active ? q_i.of[k] * r.of[k] : 0;
    }
    store(dh + at, sum);
    if (active) store(dx + at3 + n, dx_r);
  }
};

template <class... Pointers>
bool wide(const GruStep& step, const Pointers*... pointers) {
  return many(step.batch * step.n) && step.n % kWide == 0 && aligned(pointers...);
}

}  // namespace

void gru_gates(const GruStep& step, const real* x, const real* h, real* gates, real* reset) {
  with_width(wide(step, x, h, gates, reset), [&](auto pack) {
    for_rows("gru_gates", 1, step.batch, step.n, Gates<pack>{Step(step), x, h, gates, reset});
  });
}

void gru_state(const GruStep& step, const real* x, const real* h, real* gates, real* next) {
  with_width(wide(step, x, h, gates, next), [&](auto pack) {
    for_rows("gru_state", 1, step.batch, step.n, State<pack>{Step(step), x, h, gates, next});
  });
}

void gru_state_gradient(const GruStep& step, const real* h, const real* gates, const real* dnext,
                        const real* dy, real* dx, real* dh, bool add) {
  with_width(wide(step, h, gates, dnext, dy, dx, dh), [&](auto pack) {
    for_rows("gru_state_gradient", 1, step.batch, step.n,
             StateGradient<pack>{Step(step), h, gates, dnext, dy, add ? dh : nullptr, dx, dh});
  });
}

void gru_reset_gradient(const GruStep& step, const real* h, const real* gates, const real* q, real* dx,
                        real* dh) {
  with_width(wide(step, h, gates, q, dx, dh), [&](auto pack) {
    for_rows("gru_reset_gradient", 1, step.batch, step.n,
             ResetGradient<pack>{Step(step), h, gates, q, dx, dh});
  });
}

}  // namespace mininmt::cuda
