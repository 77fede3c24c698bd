#include "ops/gru.h"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ops/arrange.h"
#include "ops/check.h"
#include "ops/gru_cell.h"
#include "ops/rows.h"

namespace mininmt {

void check_gru(const char* op, Var x, Var U, const Indices& lengths) {
  check_rank(op, "x", x.shape(), 3, 3);
  check_rank(op, "U", U.shape(), 2, 2);
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = U.shape()[1];
  check_shape(op, "U", U.shape(), {3 * n, n});
  check_shape(op, "x", x.shape(), {steps, batch, 3 * n});
  check_lengths(op, lengths, steps, batch);
}

namespace {

// The distance from a to b in elements.
std::int64_t distance(const real* a, const real* b) {
  return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(b) - reinterpret_cast<std::intptr_t>(a)) /
         static_cast<std::int64_t>(sizeof(real));
}

// A GRU over sentences, or two in both directions. Number 0 is the one whose U comes first in memory, since
// cuBLAS needs the second operand of a batch after the first. Activations are (ways, S, B, ...), number 0
// first.
struct Sequence {
  Memory& memory;
  std::int64_t ways, steps, batch, n;
  const real *U, *x;  // of number 0
  std::int64_t U_apart, x_apart;
  bool forward_first;  // number 0 goes forward
  Indices lengths;
  Tensor h, gates, reset;
  Tensor zero;  // (B, n) the state before the first step

  Sequence(const std::vector<Var>& xs, const std::vector<Var>& Us, bool forward_first, const Indices& lengths)
      : memory(xs[0].value().memory()),
        ways(static_cast<std::int64_t>(xs.size())),
        steps(xs[0].shape()[0]),
        batch(xs[0].shape()[1]),
        n(Us[0].shape()[1]),
        U(Us[0].value().data()),
        x(xs[0].value().data()),
        U_apart(distance(U, Us.back().value().data())),
        x_apart(distance(x, xs.back().value().data())),
        forward_first(forward_first),
        lengths(lengths),
        h({ways, steps, batch, n}, memory),
        gates({ways, steps, batch, 3 * n}, memory),
        reset({ways, steps, batch, n}, memory),
        zero(Tensor::zeros({batch, n}, memory)) {}

  std::int64_t size() const { return batch * n; }
  bool goes_forward(std::int64_t way) const { return (way == 0) == forward_first; }
  // The time of step i in that direction.
  std::int64_t time(std::int64_t way, std::int64_t i) const { return goes_forward(way) ? i : steps - 1 - i; }
  // The distance from number 0's position at step i in a (2, S, B, ...) tensor to number 1's, in (B, ...)
  // blocks; at least 1.
  std::int64_t apart(std::int64_t i) const { return steps + time(1, i) - time(0, i); }

  const real* state_before(std::int64_t i) const {
    return i == 0 ? zero.data() : h.data() + time(0, i - 1) * size();
  }

  GruCell cell(std::int64_t i) const {
    GruCell cell{memory, batch, n, U, &lengths, time(0, i)};
    if (ways == 1) return cell;
    cell.second = {true, time(1, i), x_apart + 3 * (time(1, i) - time(0, i)) * size(), apart(i) * size(),
                   i == 0 ? 0 : apart(i - 1) * size()};
    cell.U_apart = U_apart;
    return cell;
  }

  void forward() const {
    for (std::int64_t i = 0; i < steps; ++i) {
      const std::int64_t at = time(0, i) * size();
      cell(i).forward(x + 3 * at, state_before(i), gates.data() + 3 * at, reset.data() + at, h.data() + at,
                      false);
    }
  }

  // dy (ways, S, B, n) -> dx (ways, S, B, 3n)
  Tensor backward(const Tensor& dy) const {
    const Tensor dx(gates.shape(), memory);
    Tensor dh = Tensor::zeros({ways, batch, n}, memory), dh_before({ways, batch, n}, memory);
    for (std::int64_t i = steps - 1; i >= 0; --i) {
      const std::int64_t at = time(0, i) * size();
      cell(i).backward(state_before(i), gates.data() + 3 * at, dh.data(), dy.data() + at, dx.data() + 3 * at,
                       dh_before.data(), false);
      std::swap(dh, dh_before);
    }
    return dx;
  }

  // dU (3n, n) of one GRU += one product over all steps. The states before each step are h shifted by one
  // step; the first is 0.
  void add_weight_gradient(std::int64_t way, const Tensor& dx, const Tensor& dU) const {
    const std::int64_t first = way * steps * size();
    const real* const dx_way = dx.data() + 3 * first;
    const real* const dx_later = dx_way + (goes_forward(way) ? 3 * size() : 0);
    const real* const h_before = h.data() + first + (goes_forward(way) ? 0 : size());
    gemm(memory, 2 * n, n, (steps - 1) * batch, {dx_later, 3 * n, true}, {h_before, n}, dU.data(), n, true);
    gemm(memory, n, n, steps * batch, {dx_way + 2 * n, 3 * n, true}, {reset.data() + first, n},
         dU.data() + 2 * n * n, n, true);
  }
};

// h (ways, S, B, n)
Var run_sequence(const char* op, const std::vector<Var>& xs, const std::vector<Var>& Us, bool forward_first,
                 const Indices& lengths) {
  const Sequence sequence(xs, Us, forward_first, lengths);
  sequence.forward();
  std::vector<Var> inputs = xs;
  inputs.insert(inputs.end(), Us.begin(), Us.end());
  return xs[0].tape->record(op, sequence.h, inputs, [sequence, xs, Us](const Tensor&, const Tensor& dy) {
    const Tensor dx = sequence.backward(dy);
    for (std::size_t way = 0; way < xs.size(); ++way) {
      const std::int64_t number = static_cast<std::int64_t>(way), size = xs[way].value().size();
      if (xs[way].needs_gradient()) add_gradient(xs[way], dx.view(number * size, xs[way].shape()));
      if (Us[way].needs_gradient()) sequence.add_weight_gradient(number, dx, Us[way].gradient());
    }
  });
}

}  // namespace

Var gru_sequence(Var x, Var U, const Indices& lengths, Direction direction) {
  check_gru("gru_sequence", x, U, lengths);
  return step(run_sequence("gru_sequence", {x}, {U}, direction == Direction::kForward, lengths), 0);
}

// On the GPU a step is a few microseconds of work that depends on the previous one, so step i of both
// directions is computed by the same launches.
Bigru bigru(Var x_forward, Var U_forward, Var x_backward, Var U_backward, const Indices& lengths) {
  check_shape("bigru", "x_backward", x_backward.shape(), x_forward.shape());
  check_shape("bigru", "U_backward", U_backward.shape(), U_forward.shape());
  if (!kHasCuda || !x_forward.value().on_cuda())
    return {gru_sequence(x_forward, U_forward, lengths, Direction::kForward),
            gru_sequence(x_backward, U_backward, lengths, Direction::kBackward)};
  check_gru("bigru", x_forward, U_forward, lengths);
  const bool in_order = U_forward.value().data() <= U_backward.value().data();
  const Var h = in_order
                    ? run_sequence("bigru", {x_forward, x_backward}, {U_forward, U_backward}, true, lengths)
                    : run_sequence("bigru", {x_backward, x_forward}, {U_backward, U_forward}, false, lengths);
  return {step(h, in_order ? 0 : 1), step(h, in_order ? 1 : 0)};
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
  GruCell{memory, batch, n, U.value().data()}.forward(x.value().data(), h.value().data(), gates.data(),
                                                      reset.data(), next.data(), third.has_value());
  std::vector<Var> inputs = {x, h, U.var()};
  if (third) inputs.insert(inputs.end(), {third->c, third->C.var()});
  return x.tape->record("gru_step", next, inputs, [=, &memory](const Tensor&, const Tensor& dy) {
    const bool add = h.needs_gradient() && h.has_gradient();
    const Tensor dx({batch, 3 * n}, memory), dh = add ? h.gradient() : Tensor({batch, n}, memory);
    GruCell{memory, batch, n, U.value().data()}.backward(h.value().data(), gates.data(), dy.data(), nullptr,
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
