// Both directions of the encoder. On the GPU a step is a few microseconds of work that waits for the step
// before, so the i-th step of one direction and the i-th of the other are computed by the same launches: two
// GRUs that differ in where their operands lie.
#include <cstdint>
#include <tuple>
#include <utility>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/gru.h"
#include "ops/rows.h"

namespace mininmt {
namespace {

// How many elements b lies after a.
std::int64_t distance(const real* a, const real* b) {
  return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(b) - reinterpret_cast<std::intptr_t>(a)) /
         static_cast<std::int64_t>(sizeof(real));
}

// The two directions as a batch of two: number 0 is the one whose U comes first in memory, since cuBLAS wants
// the second operand after the first. Activations are (2, S, B, ...), number 0's first.
struct BothWays {
  Memory& memory;
  std::int64_t steps, batch, n;
  const real *U, *x;  // of number 0
  std::int64_t U_apart, x_apart;
  Indices lengths;
  bool forward_first;  // number 0 goes forward
  Tensor h, gates, reset;
  Tensor zero;  // (B, n) the state before the first step

  std::int64_t size() const { return batch * n; }
  // Of the i-th step that direction d takes.
  std::int64_t time(int d, std::int64_t i) const { return (d == 0) == forward_first ? i : steps - 1 - i; }
  // From number 0's i-th place in a (2, S, B, ...) tensor to number 1's, in (B, ...) blocks: at least 1.
  std::int64_t apart(std::int64_t i) const { return steps + time(1, i) - time(0, i); }

  const real* state_before(std::int64_t i) const {
    return i == 0 ? zero.data() : h.data() + time(0, i - 1) * size();
  }
  std::int64_t state_apart(std::int64_t i) const { return i == 0 ? 0 : apart(i - 1) * size(); }

  cuda::GruStep step(std::int64_t i) const {
    return {batch,
            n,
            lengths.in(memory),
            time(0, i),
            {true, time(1, i), x_apart + 3 * (time(1, i) - time(0, i)) * size(), apart(i) * size(),
             state_apart(i)}};
  }

  void forward() const {
    if constexpr (kHasCuda)
      for (std::int64_t i = 0; i < steps; ++i) {
        const std::int64_t at = time(0, i) * size(), next = apart(i) * size();
        real *const g = gates.data() + 3 * at, *const r = reset.data() + at;
        const real *const x_i = x + 3 * at, *const h_i = state_before(i);
        cuda::gemm_batched(2, batch, 2 * n, n, {h_i, n, false}, state_apart(i), {U, n, true}, U_apart, g,
                           3 * n, 3 * next, false);
        cuda::gru_gates(step(i), x_i, h_i, g, r);
        cuda::gemm_batched(2, batch, n, n, {r, n, false}, next, {U + 2 * n * n, n, true}, U_apart, g + 2 * n,
                           3 * n, 3 * next, false);
        cuda::gru_state(step(i), x_i, h_i, g, h.data() + at);
      }
  }

  // dy (2, S, B, n) -> dx (2, S, B, 3n)
  void backward(const Tensor& dy, const Tensor& dx) const {
    if constexpr (kHasCuda) {
      Tensor dh = Tensor::zeros({2, batch, n}, memory), dh_before({2, batch, n}, memory);
      const Tensor q({2, batch, n}, memory);
      for (std::int64_t i = steps - 1; i >= 0; --i) {
        const std::int64_t at = time(0, i) * size(), next = apart(i) * size();
        const real *const g = gates.data() + 3 * at, *const h_i = state_before(i);
        real* const dx_i = dx.data() + 3 * at;
        cuda::gru_state_gradient(step(i), h_i, g, dh.data(), dy.data() + at, dx_i, dh_before.data(), false);
        cuda::gemm_batched(2, batch, n, n, {dx_i + 2 * n, 3 * n, false}, 3 * next, {U + 2 * n * n, n, false},
                           U_apart, q.data(), n, size(), false);
        cuda::gru_reset_gradient(step(i), h_i, g, q.data(), dx_i, dh_before.data());
        cuda::gemm_batched(2, batch, n, 2 * n, {dx_i, 3 * n, false}, 3 * next, {U, n, false}, U_apart,
                           dh_before.data(), n, size(), true);
        std::swap(dh, dh_before);
      }
    }
  }

  // dU (3n, n) of direction d += the products over all steps; see gru_sequence.
  void add_weight_gradient(int d, const Tensor& dx, const Tensor& dU) const {
    const bool is_forward = (d == 0) == forward_first;
    const std::int64_t first = d * steps * size();
    const real* const dx_d = dx.data() + 3 * first;
    const real* const dx_later = dx_d + (is_forward ? 3 * size() : 0);
    const real* const h_before = h.data() + first + (is_forward ? 0 : size());
    gemm(memory, 2 * n, n, (steps - 1) * batch, {dx_later, 3 * n, true}, {h_before, n}, dU.data(), n, true);
    gemm(memory, n, n, steps * batch, {dx_d + 2 * n, 3 * n, true}, {reset.data() + first, n},
         dU.data() + 2 * n * n, n, true);
  }
};

Bigru bigru_on_cuda(Var x_forward, Var U_forward, Var x_backward, Var U_backward, const Indices& lengths) {
  const bool forward_first = U_forward.value().data() <= U_backward.value().data();
  const Var xs[] = {forward_first ? x_forward : x_backward, forward_first ? x_backward : x_forward};
  const Var Us[] = {forward_first ? U_forward : U_backward, forward_first ? U_backward : U_forward};
  Memory& memory = xs[0].value().memory();
  const std::int64_t steps = xs[0].shape()[0], batch = xs[0].shape()[1], n = Us[0].shape()[1];
  const BothWays both{memory,
                      steps,
                      batch,
                      n,
                      Us[0].value().data(),
                      xs[0].value().data(),
                      distance(Us[0].value().data(), Us[1].value().data()),
                      distance(xs[0].value().data(), xs[1].value().data()),
                      lengths,
                      forward_first,
                      Tensor({2, steps, batch, n}, memory),
                      Tensor({2, steps, batch, 3 * n}, memory),
                      Tensor({2, steps, batch, n}, memory),
                      Tensor::zeros({batch, n}, memory)};
  both.forward();
  Tape& tape = *xs[0].tape;
  const Var h =
      tape.record("bigru", both.h, {xs[0], xs[1], Us[0], Us[1]},
                  [both, x0 = xs[0], x1 = xs[1], U0 = Us[0], U1 = Us[1]](const Tensor&, const Tensor& dy) {
                    const Tensor dx(both.gates.shape(), both.memory);
                    both.backward(dy, dx);
                    for (const auto& [d, x, U] : {std::tuple(0, x0, U0), std::tuple(1, x1, U1)}) {
                      if (x.needs_gradient()) add_gradient(x, dx.view(d * dx.size() / 2, x.shape()));
                      if (U.needs_gradient()) both.add_weight_gradient(d, dx, U.gradient());
                    }
                  });
  return {tape.slice_entry(h, forward_first ? 0 : 1), tape.slice_entry(h, forward_first ? 1 : 0)};
}

}  // namespace

Bigru bigru(Var x_forward, Var U_forward, Var x_backward, Var U_backward, const Indices& lengths) {
  check_shape("bigru", "x_backward", x_backward.shape(), x_forward.shape());
  check_shape("bigru", "U_backward", U_backward.shape(), U_forward.shape());
  if (!kHasCuda || !x_forward.value().on_cuda())
    return {gru_sequence(x_forward, U_forward, lengths, Direction::kForward),
            gru_sequence(x_backward, U_backward, lengths, Direction::kBackward)};
  check_gru("bigru", x_forward, U_forward, lengths);
  return bigru_on_cuda(x_forward, U_forward, x_backward, U_backward, lengths);
}

}  // namespace mininmt
