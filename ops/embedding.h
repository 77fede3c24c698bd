// Embedding (MODEL.md 1, 3).
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// y (T, B, m): at (t, b) row words(t, b) of E (V, m), or zeros for kNone ("the word before the first").
//   row words(t, b) of dE += dy at (t, b), in the order of (t, b)
Var embed(Var E, const Words& words);

}  // namespace mininmt
