// The model that a training begins with.
#pragma once

#include <cstddef>
#include <memory>

#include "apps/options/train_options.h"
#include "nn/model.h"

namespace mininmt {

// The model for these options, with initial parameters.
std::unique_ptr<Model> new_model(const TrainOptions& options, std::size_t source_words,
                                 std::size_t target_words);

}  // namespace mininmt
