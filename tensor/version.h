// The version, which CMakeLists.txt sets.
#pragma once

namespace mininmt {

inline constexpr char kVersion[] = MININMT_VERSION;

}  // namespace mininmt
