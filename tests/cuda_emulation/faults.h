// Handles segmentation faults in device memory: registers the access of the running operation, or explains
// the fault.
#pragma once

namespace mininmt::emulation {

// Installs the handler before the current one, unless it is already first: test frameworks install theirs at
// the start of each test. A fault that is a bug is printed and passed on to the previous handler.
void watch_faults();

}  // namespace mininmt::emulation
