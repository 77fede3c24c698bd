// The dropout sites of RNNsearch; see Noise.
#pragma once

#include <cstdint>

namespace mininmt {

enum DropoutSite : std::uint64_t {
  kSourceEmbedding = 1,
  kTargetEmbedding,
  kAnnotations,
  kReadout,
  kReadoutOfSource
};

}  // namespace mininmt
