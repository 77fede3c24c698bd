// The Transformer's search (nn/model.h).
#pragma once

#include "nn/transformer/transformer.h"

namespace mininmt {

// source: encoded (S, B, d).
std::unique_ptr<Decoding> transformer_decoding(const Transformer& model, Var source, const Indices& lengths);

}  // namespace mininmt
