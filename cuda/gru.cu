// A GRU step without its two products (ops/gru.h): gates, new state, and their gradients. Bound by memory:
// each value is read once and written once. Rows that are not active carry the state through and ignore x,
// gates and dy, but read them anyway, so that no read waits for the length.
#include "cuda/vector.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

// n, the active rows, and the offsets of the second GRU's operands. No padding between members, so that no
// kernel parameter has uninitialized bytes.
struct StepArguments {
  Index n;
  const std::int32_t* lengths;
  Index t, second_t;            // no array: a variable index would put it in local memory
  Index x, now, before, state;  // offsets from the first GRU's element to the second's

  explicit StepArguments(const GruStep& step)
      : n(step.n),
        lengths(step.lengths),
        t(step.t),
        second_t(step.second.t),
        x(step.second.x),
        now(step.second.now),
        before(step.second.before),
        state(step.batch * step.n) {}
  __device__ bool active(Index gru, Index row) const {
    return !lengths || (gru == 0 ? t : second_t) < lengths[row];
  }
};

template <int kPack>
struct Gates {
  static constexpr int kWidth = kPack;
  StepArguments step;
  const real *x, *h;
  real *gates, *reset;
  __device__ void operator()(Index gru, Index row, Index i) const {
    const Index n = step.n, now = gru * step.now, at = row * n + i, at3 = 3 * now + row * 3 * n + i;
    const real* const x_i = x + gru * step.x + row * 3 * n + i;
    const Pack<kPack> x_z = load<kPack>(x_i), x_r = load<kPack>(x_i + n),
                      h_i = load<kPack>(h + gru * step.before + at);
    Pack<kPack> z = load<kPack>(gates + at3), r = load<kPack>(gates + at3 + n), product;
    const bool active = step.active(gru, row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      z.of[k] = mininmt::sigmoid(x_z.of[k] + z.of[k]);
      r.of[k] = mininmt::sigmoid(x_r.of[k] + r.of[k]);
      product.of[k] = active ? r.of[k] * h_i.of[k] : 0;  // so that NaN in padding doesn't reach dU as 0 * NaN
    }
    store(reset + now + at, product);
    if (!active) return;
    store(gates + at3, z);
    store(gates + at3 + n, r);
  }
};

template <int kPack>
struct State {
  static constexpr int kWidth = kPack;
  StepArguments step;
  const real *x, *h;
  real *gates, *next;
  __device__ void operator()(Index gru, Index row, Index i) const {
    const Index n = step.n, now = gru * step.now, at = row * n + i, at3 = 3 * now + row * 3 * n + i;
    const Pack<kPack> x_h = load<kPack>(x + gru * step.x + (row * 3 + 2) * n + i),
                      z = load<kPack>(gates + at3);
    Pack<kPack> candidate = load<kPack>(gates + at3 + 2 * n), state = load<kPack>(h + gru * step.before + at);
    const bool active = step.active(gru, row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      candidate.of[k] = mininmt::tanh(x_h.of[k] + candidate.of[k]);
      const real mixed = (1 - z.of[k]) * state.of[k] + z.of[k] * candidate.of[k];
      state.of[k] = active ? mixed : state.of[k];
    }
    store(next + now + at, state);
    if (active) store(gates + at3 + 2 * n, candidate);
  }
};

template <int kPack>
struct StateGradient {
  static constexpr int kWidth = kPack;
  StepArguments step;
  const real *h, *gates, *dnext, *dy;
  const real* sum;  // added to dh: dh itself, or null
  real *dx, *dh;
  __device__ void operator()(Index gru, Index row, Index i) const {
    const Index n = step.n, now = gru * step.now, at = row * n + i, at3 = 3 * now + row * 3 * n + i;
    const Index at_state = gru * step.state + at;
    const Pack<kPack> z = load<kPack>(gates + at3), candidate = load<kPack>(gates + at3 + 2 * n),
                      h_i = load<kPack>(h + gru * step.before + at);
    Pack<kPack> d = load<kPack>(dnext + at_state), dh_i = sum ? load<kPack>(sum + at_state) : Pack<kPack>{};
    if (dy) add(load<kPack>(dy + now + at), d);
    const bool active = step.active(gru, row);
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
    store(dh + at_state, dh_i);
  }
};

template <int kPack>
struct ResetGradient {
  static constexpr int kWidth = kPack;
  StepArguments step;
  const real *h, *gates, *q;
  real *dx, *dh;
  __device__ void operator()(Index gru, Index row, Index i) const {
    const Index n = step.n, at = row * n + i, at3 = 3 * gru * step.now + row * 3 * n + i;
    const Index at_state = gru * step.state + at;
    const Pack<kPack> r = load<kPack>(gates + at3 + n), h_i = load<kPack>(h + gru * step.before + at),
                      q_i = load<kPack>(q + at_state);
    Pack<kPack> sum = load<kPack>(dh + at_state), dx_r;
    const bool active = step.active(gru, row);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      dx_r.of[k] = q_i.of[k] * h_i.of[k] * sigmoid_slope(r.of[k]);
      sum.of[k] += active ? q_i.of[k] * r.of[k] : 0;
    }
    store(dh + at_state, sum);
    if (active) store(dx + at3 + n, dx_r);
  }
};

// 16-byte accesses need n and all offsets to be multiples of the width; all offsets but x are multiples of n.
template <class... Pointers>
bool wide(const GruStep& step, const Pointers*... pointers) {
  return many(step.batch * step.n) && step.n % kWide == 0 && step.second.x % kWide == 0 &&
         aligned(pointers...);
}

Index count(const GruStep& step) { return step.second.is_there ? 2 : 1; }

}  // namespace

void gru_gates(const GruStep& step, const real* x, const real* h, real* gates, real* reset) {
  with_width(wide(step, x, h, gates, reset), [&](auto pack) {
    for_rows("gru_gates", count(step), step.batch, step.n,
             Gates<pack>{StepArguments(step), x, h, gates, reset});
  });
}

void gru_state(const GruStep& step, const real* x, const real* h, real* gates, real* next) {
  with_width(wide(step, x, h, gates, next), [&](auto pack) {
    for_rows("gru_state", count(step), step.batch, step.n,
             State<pack>{StepArguments(step), x, h, gates, next});
  });
}

void gru_state_gradient(const GruStep& step, const real* h, const real* gates, const real* dnext,
                        const real* dy, real* dx, real* dh, bool add) {
  with_width(wide(step, h, gates, dnext, dy, dx, dh), [&](auto pack) {
    for_rows("gru_state_gradient", count(step), step.batch, step.n,
             StateGradient<pack>{StepArguments(step), h, gates, dnext, dy, add ? dh : nullptr, dx, dh});
  });
}

void gru_reset_gradient(const GruStep& step, const real* h, const real* gates, const real* q, real* dx,
                        real* dh) {
  with_width(wide(step, h, gates, q, dx, dh), [&](auto pack) {
    for_rows("gru_reset_gradient", count(step), step.batch, step.n,
             ResetGradient<pack>{StepArguments(step), h, gates, q, dx, dh});
  });
}

}  // namespace mininmt::cuda
