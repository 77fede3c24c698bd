// What processes that train together tell each other at the start.
#pragma once

#include "apps/options/train_options.h"
#include "apps/train/checkpoint.h"
#include "nn/training/processes.h"

namespace mininmt {

// Sets the others' to what the first found in the training's folder, device, precision and parts, and to what
// decides when all stop.
void share_choices(Processes& processes, TrainOptions& options);

// Throws UsageError unless all compute on CPUs, or each on a GPU of its own. own_gpu: cuda::device_id(), or
// empty on the CPU.
void check_devices(Processes& processes, const std::string& own_gpu);

// Sets the others' to the vocabularies that the training wrote, where the others can read them.
void share_vocabs(Processes& processes, TrainOptions& reading);

// Throws UsageError, naming a process and what is different, unless all have the same options, text and kind
// of CPU.
void check_same_in_all(Processes& processes, const Facts& facts, const TrainOptions& options);

// Sets the state of the others to that of the first.
void share_state(Processes& processes, const StateOf& state);

}  // namespace mininmt
