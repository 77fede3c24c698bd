// Where RNNsearch drops elements out while it learns; see Noise.
#pragma once

#include <cstdint>

namespace mininmt {

enum DropoutSite : std::uint64_t { kSourceEmbedding = 1, kTargetEmbedding, kAnnotations, kReadout };

}  // namespace mininmt
