// A line split into units and joined again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/text/units.h"

namespace mininmt {

inline std::string back(const Units& units, const std::string& line) {
  const std::vector<std::string> split = units.split(line);
  return units.line_of(std::vector<std::string_view>(split.begin(), split.end()));
}

}  // namespace mininmt
