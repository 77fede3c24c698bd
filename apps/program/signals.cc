#include "apps/program/signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <system_error>
#include <thread>

#include "tensor/error.h"
#include "tensor/threads.h"

namespace mininmt {
namespace {

std::atomic<bool> noting = false;
std::atomic<int> received = 0;

void wait_for(sigset_t signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  if (noting) {
    received = signal;
    sigwait(&signals, &signal);
  }
  _exit(128 + signal);
}

bool is_ignored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void exit_at_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})  // SIGHUP: the terminal was closed
    if (!is_ignored(signal)) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by threads started later
  try {
    std::thread(wait_for, signals).detach();
  } catch (const std::system_error&) {
    throw Error("no thread can be started to wait for signals: " + why_no_thread());
  }
}

void note_signals() { noting = true; }

int signal_received() { return received; }

}  // namespace mininmt
