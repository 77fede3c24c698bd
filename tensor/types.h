// The scalar type of a build and the type of a token id.
#pragma once

#include <cstdint>

namespace mininmt {

// float in the programs; double in the build that checks gradients (MININMT_DOUBLE). Model files are always
// float32.
#ifdef MININMT_DOUBLE
using real = double;
#else
using real = float;
#endif

// A word of a vocabulary: the number of its line, counted from 0 (MODEL.md 8).
using Id = std::int32_t;
inline constexpr Id kEos = 0;  // </s>, the end of a sentence
inline constexpr Id kUnk = 1;  // <unk>, a word outside the vocabulary

}  // namespace mininmt
