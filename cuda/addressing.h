// The formulas of location addressing (ops/addressing.h), shared by CPU and GPU.
#pragma once

#include <cstdint>

#include "tensor/scalar.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr real kLeastWeight = static_cast<real>(1e-20);  // added to u before the logarithm

// One row: weights of `length` positions, and how they are addressed.
struct AddressedRow {
  const real *w, *before;
  real g;
  const real* r;
  real gamma;
  std::int64_t length;

  MININMT_PORTABLE std::int64_t next(std::int64_t j) const { return j + 1 == length ? 0 : j + 1; }
  MININMT_PORTABLE std::int64_t previous(std::int64_t j) const { return j == 0 ? length - 1 : j - 1; }
  MININMT_PORTABLE real v(std::int64_t j) const { return g * w[j] + (1 - g) * before[j]; }
  // u_j + 1e-20
  MININMT_PORTABLE real u(std::int64_t j) const {
    return r[0] * v(next(j)) + r[1] * v(j) + r[2] * v(previous(j)) + kLeastWeight;
  }
  MININMT_PORTABLE real z(std::int64_t j) const { return gamma * mininmt::log(u(j)); }
  // From dz_j: adds what position j gives to the gradients of gamma and r, and returns du_j.
  MININMT_PORTABLE real add_gradients(std::int64_t j, real dz, real& dgamma, real (&dr)[3]) const {
    const real weight = u(j), du = dz * gamma / weight;
    dgamma += dz * mininmt::log(weight);
    dr[0] += du * v(next(j));
    dr[1] += du * v(j);
    dr[2] += du * v(previous(j));
    return du;
  }
  MININMT_PORTABLE real dv(std::int64_t j, const real* du) const {
    return r[0] * du[previous(j)] + r[1] * du[j] + r[2] * du[next(j)];
  }
};

// The operands of all rows: w, before (rows, steps), g (rows), r (rows, 3), gamma (rows).
struct AddressingOperands {
  std::int64_t rows, steps;
  const real *w, *before, *g, *r, *gamma;

  MININMT_PORTABLE AddressedRow row(std::int64_t i, std::int64_t length) const {
    return {w + i * steps, before + i * steps, g[i], r + 3 * i, gamma[i], length};
  }
};

// Their gradients, of the same shapes; null: not needed.
struct AddressingGradients {
  real *w, *before, *g, *r, *gamma;
};

}  // namespace mininmt
