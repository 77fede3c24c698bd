// The formulas of the lattice (ops/lattice.h), shared by CPU and GPU. In double: a sentence's log p is a sum
// over many steps.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/portable.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr double kLogZero = -std::numeric_limits<double>::infinity();

// log(e^x + e^y)
MININMT_PORTABLE inline double log_add(double x, double y) {
  const double more = x > y ? x : y, less = x > y ? y : x;
  return less == kLogZero ? more : more + std::log1p(std::exp(less - more));
}

// log sigmoid(z) = -softplus(-z)
MININMT_PORTABLE inline double log_sigmoid(double z) {
  return (z < 0 ? z : 0) - std::log1p(std::exp(z < 0 ? z : -z));
}

// The gate of one cell: write the next word, or move on. At the last position there is nowhere to move.
struct Gate {
  double z;
  bool last;

  MININMT_PORTABLE double log_write() const { return last ? 0 : log_sigmoid(z); }
  MININMT_PORTABLE double log_move() const { return last ? kLogZero : log_sigmoid(-z); }
};

// One word of the search: calls set(j, q(u,j) + log e(u,j)) from before_j = a(u-1,j) (null: before the first
// word), and returns the logarithm of the sum of the exponentials.
template <class Set>
MININMT_PORTABLE double step_row(std::int64_t length, const real* before, const real* scores, double bias,
                                 const Set& set) {
  double q = kLogZero, move = kLogZero, sum = kLogZero;
  for (std::int64_t j = 0; j < length; ++j) {
    const Gate gate{scores[j] + bias, j + 1 == length};
    q = log_add(before ? before[j] : j == 0 ? 0 : kLogZero, q + move);
    move = gate.log_move();
    set(j, q + gate.log_write());
    sum = log_add(sum, q + gate.log_write());
  }
  return sum;
}

// One sentence: S positions, T words; word u is row word_at[u * batch] of w and e (., steps).
struct Lattice {
  std::int64_t S, T, batch, steps;
  const std::int32_t* word_at;
  const real *w, *e;
  double bias;
  double *q, *a, *b;  // (T, steps) each

  MININMT_PORTABLE std::int64_t cell(std::int64_t u, std::int64_t j) const {
    return word_at[u * batch] * steps + j;
  }
  MININMT_PORTABLE Gate gate(std::int64_t u, std::int64_t j) const {
    return {e[cell(u, j)] + bias, j + 1 == S};
  }
  MININMT_PORTABLE double log_write(std::int64_t u, std::int64_t j) const {
    return gate(u, j).log_write() + w[cell(u, j)];
  }
  MININMT_PORTABLE double before(std::int64_t u, std::int64_t j) const {  // a(u-1, j)
    return u > 0 ? a[(u - 1) * steps + j] : j == 0 ? 0 : kLogZero;
  }
  MININMT_PORTABLE double after(std::int64_t u, std::int64_t j) const {  // b(u, j)
    return j == S ? kLogZero : u < T ? b[u * steps + j] : 0;
  }
  MININMT_PORTABLE double log_p() const {
    double sum = kLogZero;
    for (std::int64_t j = 0; j < S; ++j) sum = log_add(sum, a[(T - 1) * steps + j]);
    return sum;
  }

  // After (u-1, j) and (u, j-1).
  MININMT_PORTABLE void go_forward(std::int64_t u, std::int64_t j) const {
    const double moved = j > 0 ? q[u * steps + j - 1] + gate(u, j - 1).log_move() : kLogZero;
    const double reached = log_add(before(u, j), moved);
    q[u * steps + j] = reached;
    a[u * steps + j] = reached + log_write(u, j);
  }

  // After (u+1, j) and (u, j+1).
  MININMT_PORTABLE void go_backward(std::int64_t u, std::int64_t j) const {
    b[u * steps + j] = log_add(log_write(u, j) + after(u + 1, j), gate(u, j).log_move() + after(u, j + 1));
  }

  // The posterior probability that word u is written at j, and that the cursor moves on from there.
  MININMT_PORTABLE double written(std::int64_t u, std::int64_t j, double log_p) const {
    return std::exp(a[u * steps + j] + after(u + 1, j) - log_p);
  }
  MININMT_PORTABLE double moved(std::int64_t u, std::int64_t j, double log_p) const {
    return std::exp(q[u * steps + j] + gate(u, j).log_move() + after(u, j + 1) - log_p);
  }
  // d(-log p) / dz
  MININMT_PORTABLE double dz(std::int64_t u, std::int64_t j, double log_p) const {
    const Gate g = gate(u, j);
    return g.last
               ? 0
               : moved(u, j, log_p) * std::exp(g.log_write()) - written(u, j, log_p) * std::exp(g.log_move());
  }
};

}  // namespace mininmt
