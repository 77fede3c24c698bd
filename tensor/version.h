// The version, set by CMakeLists.txt.
#pragma once

namespace mininmt {

inline constexpr char kVersion[] = MININMT_VERSION;

}  // namespace mininmt
