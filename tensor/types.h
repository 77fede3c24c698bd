// The scalar type of a build and the type of a token id.
#pragma once

#include <cstdint>

namespace mininmt {

// float in the programs; double for the gradient checks (MININMT_DOUBLE). Model files are always float32.
#ifdef MININMT_DOUBLE
using real = double;
#else
using real = float;
#endif

// A word id: its line number in the vocabulary, from 0 (MODEL.md 8).
using Id = std::int32_t;
inline constexpr Id kEos = 0;  // </s>, the end of a sentence
inline constexpr Id kUnk = 1;  // <unk>, a word outside the vocabulary

}  // namespace mininmt
