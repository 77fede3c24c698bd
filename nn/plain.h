// RNNsearch in small operations (--plain): nn/rnnsearch without its fused ones, an equation a line.
#pragma once

#include "nn/model.h"

namespace mininmt {

// A model of the family rnnsearch with additive attention; throws UsageError for another kind. Its parameters
// have the names, shapes and initial values of the fused model's, each matrix one of its own, so that a file
// of either is a file of the other.
std::unique_ptr<Model> make_plain(const Config& config);

}  // namespace mininmt
