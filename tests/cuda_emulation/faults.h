// Handles segmentation faults in device memory: admits the operation that runs, or says what the fault means.
#pragma once

namespace mininmt::emulation {

// Puts the handler before the one that is there, unless it is the first already: test frameworks install
// theirs at the start of each test. A fault that means a bug is printed and left to the handler before.
void watch_faults();

}  // namespace mininmt::emulation
