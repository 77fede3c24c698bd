// Operations that only move elements.
#pragma once

#include <vector>

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// Entries [first, first + count) of the first axis; shares the elements of x.
Var slice(Var x, std::int64_t first, std::int64_t count);

// The first `count` entries of the first axis: x itself if it has no more.
inline Var first_rows(Var x, std::int64_t count) { return x.shape()[0] == count ? x : slice(x, 0, count); }

// Entry i of the first axis, without that axis: step i of a sequence (T, B, n) is (B, n).
Var step(Var x, std::int64_t i);

// y (..., count) = columns [first, first + count) of x (..., n).      dx in those columns += dy
Var columns(Var x, std::int64_t first, std::int64_t count);

// y (..., n1 + n2) = [a, b] side by side, a (..., n1), b (..., n2).   da, db += their columns of dy
Var concat(Var a, Var b);

// y (T, ...) from T values of one shape (...).                        dx_t += dy_t
Var stack(const std::vector<Var>& steps);

// y (sum of R_t, n) from blocks of rows (R_t, n), one below the other.   dx_t += its rows of dy
Var concat_rows(const std::vector<Var>& blocks);

// Row i of y (N, n) is row rows[i] of x, taken as a matrix (*, n), or zeros where rows[i] is kNone.
//   row rows[i] of dx += row i of dy, in the order of i
Var gather_rows(Var x, const Indices& rows);

// The words of each sentence in reverse order, but for the last, </s>: y_j = x_{L-j} for j = 1 .. L - 1 and
// y_L = x_L, where L is the sentence's length, of x (S, B, n); 0 in padding.
//   dx_{L-j} += dy_j, dx_L += dy_L
Var reverse_sentences(Var x, const Indices& lengths);

}  // namespace mininmt
