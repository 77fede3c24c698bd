// What processes that train together tell each other at the start.
#pragma once

#include "apps/options/train_options.h"
#include "apps/train/checkpoint.h"
#include "nn/training/processes.h"

namespace mininmt {

// Sets the device and the parts of the others to those of the first, which has looked into the training's
// folder.
void share_choices(Processes& processes, TrainOptions& options);

// Throws UsageError, naming a process and what is different, unless all have the same options and text.
void check_same_in_all(Processes& processes, const Facts& facts, const TrainOptions& options);

// Sets the state of the others to that of the first.
void share_state(Processes& processes, const StateOf& state);

}  // namespace mininmt
