// Starting threads while that can still be refused: OpenMP ends the program if it can't start one.
#pragma once

#include <string>

namespace mininmt {

struct Startable {
  int threads;              // at least 1
  std::string why_no_more;  // empty if there are as many as wanted
};

// How many of `wanted` threads, the calling one included, can run at once. Tries it, with threads that end
// again.
Startable startable_threads(int wanted);

// Why a thread could not be started just now: no memory for its stack, whose size it gives, or a limit of the
// system.
std::string why_no_thread();

// From here on this thread, and those that it starts, take numbers below 1e-38 (float) for 0 on x86, where
// computing with them takes a hundred times as long. Sharp attention has many: its smallest weights times
// anything.
void flush_denormals();

// Starts the threads of the parallel loops, which stay, and flushes their denormals.
void start_threads();

}  // namespace mininmt
