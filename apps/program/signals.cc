#include "apps/program/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace mininmt {
namespace {

std::atomic<int> received = 0;

void wait_for(sigset_t signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  received = signal;
  sigwait(&signals, &signal);
  _exit(128 + signal);
}

}  // namespace

void note_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);                    // the terminal was closed
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by threads started later
  std::thread(wait_for, signals).detach();
}

int signal_received() { return received; }

}  // namespace mininmt
