// The version of the programs, as --version prints it and model files record it.
#pragma once

namespace mininmt {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace mininmt
