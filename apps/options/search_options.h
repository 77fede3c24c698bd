// The options of mininmt-beam on several models, and on searches other than the plain one that models are
// validated with.
#pragma once

#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/options/options.h"

namespace mininmt {

// Each adds options to the current group.
void add_ensemble_options(OptionSet& set, BeamOptions& options);
void add_search_options(OptionSet& set, BeamOptions& options);

// Of options that exclude each other, those of the stronger source stay; refuses what would do nothing or
// contradicts itself. sources: weakest first, without the model's defaults, which rank below all. Throws
// UsageError.
void settle_search_options(OptionSet& set, const std::vector<Settings>& sources, const BeamOptions& options);

}  // namespace mininmt
