#include "apps/signals.h"

#include <csignal>

namespace mininmt {
namespace {

volatile std::sig_atomic_t received = 0;

void note(int signal) {
  received = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void note_signals() {
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

int signal_received() { return received; }

}  // namespace mininmt
