// The presets of mininmt-train.
#pragma once

#include <string>
#include <vector>

namespace mininmt {

// In the order in which help names them.
std::vector<std::string> preset_names();

// A preset as a config text: what it sets instead of the defaults in TrainOptions. `name` is one of
// preset_names().
const std::string& preset_config(const std::string& name);

}  // namespace mininmt
