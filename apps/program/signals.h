// SIGINT, SIGTERM and SIGHUP: the program finishes its current step, saves, and exits with 128 + the signal's
// number.
#pragma once

namespace mininmt {

// From now on these signals end the program with that exit code, but for those that were ignored when it
// started, as under nohup: they stay ignored. Call it before starting other threads. A separate thread waits
// for the signals, and no handler runs: oneDNN's JIT-compiled matrix products (at least in 2.6) do not
// survive one on their stack. Throws Error if the thread can't be started.
void exit_at_signals();

// From now on the first of these signals is only noted; a second one ends the program at once.
void note_signals();

// The number of the signal noted, 0 if none.
int signal_received();

}  // namespace mininmt
