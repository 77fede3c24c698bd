// The version, which CMakeLists.txt sets.
#pragma once

namespace mininmt {

extern const char* const kVersion;

}  // namespace mininmt
