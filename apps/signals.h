// SIGINT and SIGTERM: a program finishes what it is at, saves, and ends with 128 + the signal's number.
#pragma once

namespace mininmt {

// From now on the first signal is only noted; a second one ends the program at once.
void note_signals();

// The number of the signal that came, 0 if none did.
int signal_received();

}  // namespace mininmt
