#include "ops/window.h"

#include <algorithm>
#include <vector>

#include "cuda/kernels.h"
#include "cuda/window.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

constexpr std::int64_t kCost = 16;  // of an exponential, in units of parallel_for()

void move_centres(const Tensor& u, const Tensor& before, const Tensor& kappa) {
  const std::int64_t rows = kappa.shape()[0], K = kappa.shape()[1];
  if constexpr (kHasCuda)
    if (u.on_cuda()) return cuda::window_centres(rows, K, u.data(), before.data(), kappa.data());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t k = 0; k < K; ++k)
      kappa.data()[r * K + k] = before.data()[r * K + k] + window_exp(u.data()[r * 3 * K + 2 * K + k]);
}

// dk^ += dkappa e^k^
void add_centres_gradient(const Tensor& u, const Tensor& dkappa, const Tensor& du) {
  const std::int64_t rows = dkappa.shape()[0], K = dkappa.shape()[1];
  if constexpr (kHasCuda)
    if (u.on_cuda()) return cuda::add_window_centres_gradient(rows, K, u.data(), dkappa.data(), du.data());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t k = 0; k < K; ++k) {
      const std::int64_t at = r * 3 * K + 2 * K + k;
      if (window_has_slope(u.data()[at]))
        du.data()[at] += dkappa.data()[r * K + k] * window_exp(u.data()[at]);
    }
}

// Operands of window(); sentence_of_row empty: row r is sentence r.
struct Operands {
  cuda::WindowSizes sizes;
  const real *u, *kappa, *h;
  const Indices* lengths;
  const Indices* sentence_of_row;

  std::int64_t sentence(std::int64_t r) const { return sentence_of_row->empty() ? r : (*sentence_of_row)[r]; }
  const real* annotation(std::int64_t j, std::int64_t b) const {
    return h + (j * sizes.batch + b) * sizes.context;
  }
};

// phi and c of row r, both initially zero.
void window_row(const Operands& o, std::int64_t r, real* phi, real* c) {
  const std::int64_t K = o.sizes.gaussians, b = o.sentence(r);
  const real *const u = o.u + r * 3 * K, *const kappa = o.kappa + r * K;
  for (std::int64_t k = 0; k < K; ++k) {
    const real alpha = window_exp(u[k]), beta = window_exp(u[K + k]);
    for (int j = 0; j < (*o.lengths)[b]; ++j)
      phi[j] += window_term(alpha, beta, kappa[k] - static_cast<real>(j + 1));
  }
  for (int j = 0; j < (*o.lengths)[b]; ++j) add_scaled(o.sizes.context, phi[j], o.annotation(j, b), c);
}

// Adds to du and dkappa of row b and to dh of its sentence. Null: not needed.
void window_gradient_row(const Operands& o, std::int64_t b, const real* phi, const real* dc, real* du,
                         real* dkappa, real* dh) {
  const std::int64_t K = o.sizes.gaussians, C = o.sizes.context, length = (*o.lengths)[b];
  std::vector<real> d(static_cast<std::size_t>(length));
  for (std::int64_t j = 0; j < length; ++j) {
    d[j] = dot(C, o.annotation(j, b), dc);
    if (dh) add_scaled(C, phi[j], dc, dh + (j * o.sizes.batch + b) * C);
  }
  const real *const u = o.u + b * 3 * K, *const kappa = o.kappa + b * K;
  for (std::int64_t k = 0; k < K; ++k) {
    const real alpha = window_exp(u[k]), beta = window_exp(u[K + k]);
    real da = 0, db = 0, dk = 0;
    for (std::int64_t j = 0; j < length; ++j) {
      const real distance = kappa[k] - static_cast<real>(j + 1);
      const real pd = window_term(alpha, beta, distance) * d[j];
      da += pd;
      db -= beta * distance * distance * pd;
      dk -= 2 * beta * distance * pd;
    }
    if (du && window_has_slope(u[k])) du[k] += da;
    if (du && window_has_slope(u[K + k])) du[K + k] += db;
    if (dkappa) dkappa[k] += dk;
  }
}

void forward(const Operands& o, const Tensor& phi, const Tensor& c) {
  Memory& memory = c.memory();
  if constexpr (kHasCuda)
    if (c.on_cuda())
      return cuda::window(o.sizes, o.lengths->in(memory), o.sentence_of_row->in(memory), o.u, o.kappa, o.h,
                          phi.data(), c.data());
  phi.fill(0);
  c.fill(0);
  const cuda::WindowSizes& s = o.sizes;
  parallel_for(s.rows, s.steps * (kCost * s.gaussians + s.context),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; ++r)
                   window_row(o, r, phi.data() + r * s.steps, c.data() + r * s.context);
               });
}

void backward(const Operands& o, const Tensor& phi, const Tensor& dc, real* du, real* dkappa, real* dh) {
  const cuda::WindowSizes& s = o.sizes;
  if constexpr (kHasCuda)
    if (dc.on_cuda())
      return cuda::add_window_gradient(s, o.lengths->in(dc.memory()), o.u, o.kappa, o.h, phi.data(),
                                       dc.data(), du, dkappa, dh);
  parallel_for(s.rows, s.steps * (kCost * s.gaussians + 2 * s.context),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t b = begin; b < end; ++b)
                   window_gradient_row(o, b, phi.data() + b * s.steps, dc.data() + b * s.context,
                                       du ? du + b * 3 * s.gaussians : nullptr,
                                       dkappa ? dkappa + b * s.gaussians : nullptr, dh);
               });
}

}  // namespace

Var window_centres(Var u, Var kappa_before) {
  check_rank("window_centres", "kappa_before", kappa_before.shape(), 2, 2);
  const std::int64_t rows = kappa_before.shape()[0], K = kappa_before.shape()[1];
  check_shape("window_centres", "u", u.shape(), {rows, 3 * K});
  const Tensor kappa({rows, K}, u.value().memory());
  move_centres(u.value(), kappa_before.value(), kappa);
  return u.tape->record("window_centres", kappa, {u, kappa_before},
                        [u, kappa_before](const Tensor&, const Tensor& dkappa) {
                          if (u.needs_gradient()) add_centres_gradient(u.value(), dkappa, u.gradient());
                          if (kappa_before.needs_gradient()) add_gradient(kappa_before, dkappa);
                        });
}

Attended window(Var u, Var kappa, Var h, const Indices& lengths, const Indices& sentence_of_row) {
  check_rank("window", "h", h.shape(), 3, 3);
  check_rank("window", "kappa", kappa.shape(), 2, 2);
  const std::int64_t S = h.shape()[0], B = h.shape()[1], C = h.shape()[2], K = kappa.shape()[1];
  check_lengths("window", lengths, S, B);
  const std::int64_t rows = rows_of("window", sentence_of_row, kappa.value(), B,
                                    u.needs_gradient() || kappa.needs_gradient() || h.needs_gradient());
  check_shape("window", "u", u.shape(), {rows, 3 * K});
  check_shape("window", "kappa", kappa.shape(), {rows, K});
  Memory& memory = h.value().memory();
  const Tensor phi({rows, S}, memory), c({rows, C}, memory);
  const auto operands = [=](const Indices& lengths, const Indices& sentence_of_row) {
    return Operands{{rows, S, B, C, K}, u.value().data(), kappa.value().data(),
                    h.value().data(),   &lengths,         &sentence_of_row};
  };
  forward(operands(lengths, sentence_of_row), phi, c);
  const Var context = u.tape->record("window", c, {u, kappa, h}, [=](const Tensor&, const Tensor& dc) {
    backward(operands(lengths, {}), phi, dc, gradient_or_null(u), gradient_or_null(kappa),
             gradient_or_null(h));
  });
  return {context, phi};
}

}  // namespace mininmt
