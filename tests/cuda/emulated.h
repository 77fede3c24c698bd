// Whether the GPU is emulated, and some ten thousand times slower: tests do less then.
#pragma once

#ifdef MININMT_EMULATED
#include "tests/cuda_emulation/emulation.h"
#endif

namespace mininmt {

#ifdef MININMT_EMULATED
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

}  // namespace mininmt
