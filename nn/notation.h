// Operations in the paper's notation, for code that reads like its equations. For each row x of a batch: W * x is a
// matrix-vector product; x * y, of two results, is elementwise.
#pragma once

#include "autograd/parameter.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"

namespace mininmt::notation {

inline Var times(Var W, Var x) { return linear(x, W); }
inline Var operator*(const Parameter& W, Var x) { return times(x.tape->leaf(W), x); }
inline Var operator*(Var x, Var y) { return multiply(x, y); }
inline Var operator+(Var x, Var y) { return add(x, y); }
inline Var operator+(Var x, const Parameter& b) { return add(x, x.tape->leaf(b)); }

// Every value a, on the tape and the device of x.
inline Var filled(Var x, const Shape& shape, real a) {
  const Tensor all(shape, x.value().memory());
  all.fill(a);
  return x.tape->constant(all);
}
inline Var operator-(real a, Var x) { return filled(x, x.shape(), a) + scale(x, -1); }

}  // namespace mininmt::notation
