// The table that the gradient checks print: a line for each check, a total at the end of the program.
#pragma once

#include <string>

#include "autograd/gradcheck.h"

namespace mininmt {

// Prints one line to stdout (name, shapes, elements checked, largest absolute and relative error, ok or
// FAIL), after a header line if it is the first; below a FAIL, the element that is furthest out.
void report_row(const std::string& name, const std::string& shapes, const GradcheckResult& result);

}  // namespace mininmt
