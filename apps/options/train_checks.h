// What parse_train_options() refuses beyond the range of each option. All throw UsageError; sources: weakest
// first, the preset, the config file, the command line.
#pragma once

#include <vector>

#include "apps/options/options.h"
#include "apps/options/train_options.h"

namespace mininmt {

// What the model of --init is, the model in training is too. Rejects settings that say otherwise.
void take_config_of_init(const std::vector<Settings>& sources, TrainOptions& options);

// Rejects fields that the chosen kind of model doesn't have, unless a stronger source chose the kind: a
// config file may serve several kinds.
void check_fields(const Settings& given, const Settings& stronger, const Config& config);

// Has the family refuse, by UsageError, what it can't combine: declaring parameters costs nothing.
void check_combination(Config config);

// Rejects files in each other's way.
void check_files(const std::vector<Settings>& sources, const TrainOptions& options);

// Rejects values that do nothing together, or leave nothing.
void check_values(const std::vector<Settings>& sources, const TrainOptions& options);

}  // namespace mininmt
