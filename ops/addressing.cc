#include "ops/addressing.h"

#include <vector>

#include "cuda/addressing.h"
#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "ops/softmax.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

constexpr std::int64_t kCost = 24;  // of a position, in units of parallel_for()

void set_addressed(const AddressingOperands& o, const Indices& lengths, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::address(o, lengths.in(y.memory()), y.data());
  y.fill(0);
  parallel_for(o.rows, kCost * o.steps, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const AddressedRow row = o.row(i, lengths[i]);
      real* const y_row = y.data() + i * o.steps;
      for (std::int64_t j = 0; j < row.length; ++j) y_row[j] = row.z(j);
      softmax_row(row.length, y_row, y_row);
    }
  });
}

// Adds to the gradients of row i. y, dy: its own.
void add_row_gradient(const AddressedRow& row, std::int64_t i, std::int64_t steps, const real* y,
                      const real* dy, const AddressingGradients& d) {
  std::vector<real> du(static_cast<std::size_t>(row.length));
  real mean = 0, dgamma = 0, dg = 0, dr[3] = {};
  for (std::int64_t j = 0; j < row.length; ++j) mean += y[j] * dy[j];
  for (std::int64_t j = 0; j < row.length; ++j)
    du[j] = row.add_gradients(j, y[j] * (dy[j] - mean), dgamma, dr);
  for (std::int64_t j = 0; j < row.length; ++j) {
    const real dv = row.dv(j, du.data());
    dg += dv * (row.w[j] - row.before[j]);
    if (d.w) d.w[i * steps + j] += row.g * dv;
    if (d.before) d.before[i * steps + j] += (1 - row.g) * dv;
  }
  if (d.gamma) d.gamma[i] += dgamma;
  if (d.g) d.g[i] += dg;
  for (int o = 0; d.r && o < 3; ++o) d.r[3 * i + o] += dr[o];
}

void add_address_gradient(const AddressingOperands& o, const Indices& lengths, const Tensor& y,
                          const Tensor& dy, const AddressingGradients& d) {
  if constexpr (kHasCuda)
    if (y.on_cuda()) return cuda::add_address_gradient(o, lengths.in(y.memory()), y.data(), dy.data(), d);
  parallel_for(o.rows, 2 * kCost * o.steps, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      add_row_gradient(o.row(i, lengths[i]), i, o.steps, y.data() + i * o.steps, dy.data() + i * o.steps, d);
  });
}

}  // namespace

Var address(Var w, Var before, const Addressing& by, const Indices& lengths) {
  check_rank("address", "w", w.shape(), 2, 2);
  const std::int64_t rows = w.shape()[0], steps = w.shape()[1];
  check_shape("address", "before", before.shape(), {rows, steps});
  check_shape("address", "g", by.g.shape(), {rows, 1});
  check_shape("address", "r", by.r.shape(), {rows, 3});
  check_shape("address", "gamma", by.gamma.shape(), {rows, 1});
  check_lengths("address", lengths, steps, rows);
  const AddressingOperands operands{rows,
                                    steps,
                                    w.value().data(),
                                    before.value().data(),
                                    by.g.value().data(),
                                    by.r.value().data(),
                                    by.gamma.value().data()};
  const Tensor y(w.shape(), w.value().memory());
  set_addressed(operands, lengths, y);
  return w.tape->record(
      "address", y, {w, before, by.g, by.r, by.gamma}, [=](const Tensor& y, const Tensor& dy) {
        add_address_gradient(operands, lengths, y, dy,
                             {gradient_or_null(w), gradient_or_null(before), gradient_or_null(by.g),
                              gradient_or_null(by.r), gradient_or_null(by.gamma)});
      });
}

}  // namespace mininmt
