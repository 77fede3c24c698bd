#include "ops/lattice.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda/kernels.h"
#include "cuda/lattice.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

struct Operands {
  Var w, scores, bias;
  Cells cells;
  std::int64_t steps;
};

// Calls use(b, lattice) for each sentence, with its forward values. With `backward`, b is computed too.
template <class Use>
void for_lattices(const Operands& o, bool backward, const Use& use) {
  const auto word_at = o.cells.word_at();
  const std::int64_t batch = o.cells.sentences(), size = o.cells.target_steps * o.steps;
  const double bias = o.bias.value().item();
  parallel_for(batch, 200 * size, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> values(static_cast<std::size_t>((backward ? 3 : 2) * size));
    for (std::int64_t i = begin; i < end; ++i) {
      double* const q = values.data();
      Lattice lattice{o.cells.lengths[i],      0,    batch, o.steps,  word_at.data() + i, o.w.value().data(),
                      o.scores.value().data(), bias, q,     q + size, q + 2 * size};
      while (lattice.T < o.cells.target_steps && word_at[lattice.T * batch + i] != kNone) ++lattice.T;
      for (std::int64_t u = 0; u < lattice.T; ++u)
        for (std::int64_t j = 0; j < lattice.S; ++j) lattice.go_forward(u, j);
      for (std::int64_t u = lattice.T; backward && u-- > 0;)
        for (std::int64_t j = lattice.S; j-- > 0;) lattice.go_backward(u, j);
      use(i, lattice);
    }
  });
}

void set_losses(const Operands& o, const Tensor& loss) {
  if constexpr (kHasCuda)
    if (loss.on_cuda())
      return cuda::lattice_losses(o.cells.in(loss.memory(), o.steps), o.w.value().data(),
                                  o.scores.value().data(), o.bias.value().data(), loss.data());
  for_lattices(o, false, [&](std::int64_t b, const Lattice& lattice) {
    loss.data()[b] = static_cast<real>(-lattice.log_p());
  });
}

// dw, dz (N, S) are zero.
void set_gradients(const Operands& o, const Tensor& dloss, const Tensor& dw, const Tensor& dz) {
  if constexpr (kHasCuda)
    if (dloss.on_cuda())
      return cuda::lattice_gradient(o.cells.in(dloss.memory(), o.steps), o.w.value().data(),
                                    o.scores.value().data(), o.bias.value().data(), dloss.data(), dw.data(),
                                    dz.data());
  for_lattices(o, true, [&](std::int64_t b, const Lattice& lattice) {
    const double factor = dloss.data()[b], log_p = lattice.log_p();
    for (std::int64_t u = 0; u < lattice.T; ++u)
      for (std::int64_t j = 0; j < lattice.S; ++j) {
        dw.data()[lattice.cell(u, j)] = static_cast<real>(-factor * lattice.written(u, j, log_p));
        dz.data()[lattice.cell(u, j)] = static_cast<real>(factor * lattice.dz(u, j, log_p));
      }
  });
}

Operands checked(const char* op, Var w, Var scores, Var bias, const Cells& cells) {
  check_rank(op, "w", w.shape(), 2, 2);
  const std::int64_t steps = w.shape()[1];
  check_shape(op, "w", w.shape(), {cells.words(), steps});
  check_shape(op, "scores", scores.shape(), w.shape());
  check_shape(op, "bias", bias.shape(), {1});
  cells.check(op, steps);
  cells.check_contiguous(op);
  return {w, scores, bias, cells, steps};
}

}  // namespace

Var lattice_losses(Var w, Var scores, Var bias, const Cells& cells) {
  const Operands operands = checked("lattice_losses", w, scores, bias, cells);
  const Tensor loss({cells.sentences()}, w.value().memory());
  set_losses(operands, loss);
  return w.tape->record("lattice_losses", loss, {w, scores, bias}, [=](const Tensor&, const Tensor& dloss) {
    const Tensor dw = Tensor::zeros(w.shape(), dloss.memory());
    const Tensor dz = Tensor::zeros(w.shape(), dloss.memory());
    set_gradients(operands, dloss, dw, dz);
    if (w.needs_gradient()) add_gradient(w, dw);
    if (bias.needs_gradient()) add_sum_of_rows(dz.reshape({dz.size(), 1}), bias.gradient());
    if (scores.needs_gradient()) add_gradient(scores, dz);
  });
}

Tensor lattice_posteriors(Var w, Var scores, Var bias, const Cells& cells) {
  const Operands operands = checked("lattice_posteriors", w, scores, bias, cells);
  const Tensor g = Tensor::zeros(w.shape(), w.value().memory());
  const Tensor dz = Tensor::zeros(w.shape(), g.memory()), minus_one({cells.sentences()}, g.memory());
  minus_one.fill(-1);
  set_gradients(operands, minus_one, g, dz);  // g is the gradient of log p
  return g;
}

Tensor lattice_step(const Tensor& before, const Tensor& scores, const Tensor& bias, const Cells& cells) {
  const std::int64_t steps = scores.shape()[1];
  check_shape("lattice_step", "scores", scores.shape(), {cells.words(), steps});
  if (before.defined()) check_shape("lattice_step", "before", before.shape(), scores.shape());
  const Tensor log_pi(scores.shape(), scores.memory());
  if constexpr (kHasCuda)
    if (scores.on_cuda()) {
      cuda::lattice_step(cells.in(scores.memory(), steps), before.data(), scores.data(), bias.data(),
                         log_pi.data());
      return log_pi;
    }
  log_pi.fill(static_cast<real>(kLogZero));
  for (std::int64_t r = 0; r < cells.words(); ++r) {
    const std::int64_t b = cells.sentence_of(r), length = b == kNone ? 0 : cells.lengths[b];
    std::vector<double> reached(static_cast<std::size_t>(length));
    const double sum =
        step_row(length, before.defined() ? before.data() + r * steps : nullptr, scores.data() + r * steps,
                 bias.item(), [&](std::int64_t j, double x) { reached[j] = x; });
    for (std::int64_t j = 0; j < length; ++j)
      log_pi.data()[r * steps + j] = static_cast<real>(reached[j] - sum);
  }
  return log_pi;
}

}  // namespace mininmt
