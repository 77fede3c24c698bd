// A process that trains with others, a GPU each. The test starts its own executable so, once for each.
#pragma once

#include <string>
#include <vector>

#include "tests/cuda/trainee.h"

namespace mininmt {

inline constexpr int kPeers = 2, kUpdatesOfPeers = 5;

// What they train; on the CPU in as many parts.
Recipe recipe_of_peers();
Config config_of_peers();

// The minibatches of update i: of several parts, of one that not all have a share in, and of several shapes.
std::vector<Pairs> minibatches_of_peers(int i);

// Trains as process `rank`, and writes the costs and parameters as text to FOLDER/RANK. Returns 77 if there
// are fewer GPUs than processes.
int run_peer(int rank, const std::string& folder);

}  // namespace mininmt
