// mininmt-train --dry-run: what a training would be, from its text and a few updates.
#pragma once

#include "apps/options/train_options.h"
#include "apps/program/device.h"
#include "apps/program/log.h"
#include "apps/train/training_text.h"
#include "nn/training/processes.h"

namespace mininmt {

// Logs the sizes and the memory of the model, the first minibatch, and how fast updates are; those are of a
// few minibatches, the largest of those fetched first among them. Changes `model`, writes nothing.
void dry_run(const TrainOptions& options, const TrainingText& text, Model& model, const Device& device,
             Processes& processes, Log& log);

}  // namespace mininmt
