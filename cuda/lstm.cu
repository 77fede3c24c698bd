// An LSTM step without its product (ops/lstm.h): gates and new state, and their gradients. Bound by memory:
// each value is read once and written once. Rows of sentences that have ended carry h and c through.
#include "cuda/lstm.h"

#include "cuda/vector.cuh"

namespace mininmt::cuda {
namespace {

// No padding between members, so that no kernel parameter has uninitialized bytes.
struct Step {
  static constexpr int kWidth = 1;
  Index n;
  const std::int32_t* lengths;
  Index t;

  explicit Step(const LstmStep& step) : n(step.n), lengths(step.lengths), t(step.t) {}
  __device__ bool active(Index row) const { return !lengths || t < lengths[row]; }
  __device__ LstmPeepholes peepholes(const real* p, Index i) const { return {p[i], p[n + i], p[2 * n + i]}; }
};

struct Forward : Step {
  const real *x, *p, *h, *c;
  real *gates, *h_next, *c_next;

  __device__ void operator()(Index, Index row, Index i) const {
    const Index at = row * n + i, at4 = row * 4 * n + i;
    if (!active(row)) {
      h_next[at] = h[at];
      c_next[at] = c[at];
      return;
    }
    const auto sum = [&](Index gate) { return x[at4 + gate * n] + gates[at4 + gate * n]; };
    const LstmUnit unit = lstm_unit({sum(0), sum(1), sum(2), sum(3)}, peepholes(p, i), c[at]);
    gates[at4] = unit.gates.i;
    gates[at4 + n] = unit.gates.f;
    gates[at4 + 2 * n] = unit.gates.g;
    gates[at4 + 3 * n] = unit.gates.o;
    c_next[at] = unit.c;
    h_next[at] = unit.h;
  }
};

struct Backward : Step {
  const real *p, *gates, *c, *c_next, *dy;
  real *dh, *dc, *dx, *dp;

  __device__ void operator()(Index, Index row, Index i) const {
    const Index at = row * n + i, at3 = row * 3 * n + i, at4 = row * 4 * n + i;
    const bool is_active = active(row);
    const LstmGates of_unit{gates[at4], gates[at4 + n], gates[at4 + 2 * n], gates[at4 + 3 * n]};
    const real d_h = dh[at] + dy[at], before = c[at], after = c_next[at];
    const LstmUnitGradient d = lstm_unit_gradient(of_unit, peepholes(p, i), before, after, d_h, dc[at]);
    dx[at4] = is_active ? d.sums.i : 0;
    dx[at4 + n] = is_active ? d.sums.f : 0;
    dx[at4 + 2 * n] = is_active ? d.sums.g : 0;
    dx[at4 + 3 * n] = is_active ? d.sums.o : 0;
    dp[at3] = is_active ? d.sums.i * before : 0;
    dp[at3 + n] = is_active ? d.sums.f * before : 0;
    dp[at3 + 2 * n] = is_active ? d.sums.o * after : 0;
    dh[at] = is_active ? 0 : d_h;
    if (is_active) dc[at] = d.c;
  }
};

}  // namespace

void lstm_step(const LstmStep& step, const real* x, const real* p, const real* h, const real* c, real* gates,
               real* h_next, real* c_next) {
  for_rows("lstm_step", 1, step.batch, step.n, Forward{Step(step), x, p, h, c, gates, h_next, c_next});
}

void lstm_step_gradient(const LstmStep& step, const real* p, const real* gates, const real* c,
                        const real* c_next, const real* dy, real* dh, real* dc, real* dx, real* dp) {
  for_rows("lstm_step_gradient", 1, step.batch, step.n,
           Backward{Step(step), p, gates, c, c_next, dy, dh, dc, dx, dp});
}

}  // namespace mininmt::cuda
