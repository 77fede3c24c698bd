// Token ids of a minibatch, time-major like the activations.
#pragma once

#include <vector>

#include "tensor/types.h"

namespace mininmt {

inline constexpr Id kNone = -1;  // no word: its embedding is zero (MODEL.md 4), its loss is zero (padding)

using Lengths = std::vector<int>;  // words in each sentence of a batch, </s> counted

struct IdMatrix {
  int steps = 0, batch = 0;  // (T, B)
  std::vector<Id> ids;       // the word at time t of sentence b is ids[t * batch + b]

  IdMatrix() = default;
  IdMatrix(int t, int b) : steps(t), batch(b), ids(static_cast<std::size_t>(t) * b, kNone) {}
  Id& at(int t, int b) { return ids[static_cast<std::size_t>(t) * batch + b]; }
  Id at(int t, int b) const { return ids[static_cast<std::size_t>(t) * batch + b]; }
};

}  // namespace mininmt
