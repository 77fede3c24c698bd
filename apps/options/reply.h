// The result of parsing a command line.
#pragma once

#include <string>
#include <variant>

namespace mininmt {

// What a program prints instead of working: exit code 0 for stdout, another for stderr.
struct Reply {
  std::string text;
  int exit_code = 0;
};

// The parsed options, or the reply to --help etc.
template <class Options>
using Parsed = std::variant<Options, Reply>;

}  // namespace mininmt
