// mininmt-beam --serve.
#pragma once

#include "apps/options/beam_options.h"
#include "apps/program/log.h"
#include "apps/program/model_folder.h"

namespace mininmt::serve {

// Serves until a signal comes; returns 128 + its number. exit_at_signals() came before. Throws UsageError and
// IoError where the address is none, or can't be had.
int serve(const BeamOptions& options, const LoadedModel& loaded, int threads, Log& log);

}  // namespace mininmt::serve
