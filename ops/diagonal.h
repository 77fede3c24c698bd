// Diagonal attention (MODEL.md 9.2): step i of the target reads annotation i of the source.
#pragma once

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

// h (S, B, C) -> y (R, C): row r is h_min(i, length_b) of sentence b = sentence_of_row[r], or b = r if that
// is empty. i and positions count from 1.
//   that row of dh += dy_r; gradients from several i beyond the length add up in the order of backward
Var diagonal(Var h, std::int64_t i, const Indices& lengths, const Indices& sentence_of_row = {});

}  // namespace mininmt
