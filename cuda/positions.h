// The position codes of the Transformer (ops/positions.h), shared by CPU and GPU.
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/portable.h"
#include "tensor/types.h"

namespace mininmt {

// Column `column` of PE(p), d numbers. In double: angles reach p, and their sine must still be exact.
MININMT_PORTABLE inline real position_code(std::int64_t p, std::int64_t column, std::int64_t d) {
  const double exponent = static_cast<double>(column - column % 2) / static_cast<double>(d);
  const double angle = static_cast<double>(p) / std::pow(10000.0, exponent);
  return static_cast<real>(column % 2 == 0 ? std::sin(angle) : std::cos(angle));
}

}  // namespace mininmt
