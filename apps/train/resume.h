// Whether a training can go on from a checkpoint: only the very same one can.
#pragma once

#include <optional>

#include "apps/options/train_options.h"
#include "apps/program/device.h"
#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/train/checkpoint.h"
#include "apps/train/training_text.h"

namespace mininmt {

// The checkpoint to go on from, by --resume and --overwrite; none for a new training. Where --device and
// --parts leave it open, `options` gets what the checkpoint's training had. Throws UsageError where the
// folder holds a model that must not be replaced or can't go on, or --resume required finds nothing; else as
// Checkpoint::find.
std::optional<Checkpoint> find_checkpoint(const TrainingFolder& folder, TrainOptions& options, Log& log);

// The files of the vocabularies that the training of this checkpoint wrote, if they are there: what goes on
// needs no model of --init any more.
std::vector<std::string> own_vocabs(const TrainingFolder& folder, const TrainOptions& options,
                                    const Facts& before);

// What a training is of, for its checkpoints.
Facts facts_of(const TrainOptions& options, const TrainingText& text, const ValidationText& valid_text,
               const Device& device);

// Both throw UsageError, naming what is different, unless a training can go on from one with the facts
// `before`: the first before any text is read.
void check_same_options(const Facts& before, const TrainOptions& options, const Device& device);
void check_same_text(const Facts& before, const Facts& now, const TrainOptions& options);

// What both look for, in words; empty: nothing.
std::string difference(const Facts& before, const Facts& now, const TrainOptions& options);

}  // namespace mininmt
