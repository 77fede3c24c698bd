// The table of the gradient checks: a line per check, and a total at the end of the program.
#pragma once

#include <string>

#include "autograd/gradcheck.h"

namespace mininmt {

// Prints one line to stdout (name, shapes, elements checked, largest absolute and relative error, ok or
// FAIL), with a header line before the first; after a FAIL, the worst element.
void report_row(const std::string& name, const std::string& shapes, const GradcheckResult& result);

}  // namespace mininmt
