// SIGINT, SIGTERM and SIGHUP: a program finishes what it is at, saves, and ends with 128 + the signal's
// number.
#pragma once

namespace mininmt {

// From now on the first of these signals is only noted; a second one ends the program at once. To be called
// before any other thread starts. A thread of its own waits for them, and no handler runs: oneDNN's compiled
// matrix products (2.6 at least) do not survive one on their stack.
void note_signals();

// The number of the signal that came, 0 if none did.
int signal_received();

}  // namespace mininmt
