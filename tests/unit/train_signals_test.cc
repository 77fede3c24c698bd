// Signals are noted without a handler. Tested in a child process, since noting the first one is permanent.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "apps/program/signals.h"

namespace mininmt {
namespace {

int wait_for_signal() {
  for (int i = 0; i < 1000 && signal_received() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return signal_received();
}

// The exit code of a child that gets `first`, then `second` if not 0; 1 to 3 if something was wrong.
int code_after(int first, int second) {
  const pid_t child = fork();
  if (child == 0) {
    struct sigaction before, after;
    sigaction(first, nullptr, &before);
    note_signals();
    sigaction(first, nullptr, &after);
    if (after.sa_handler != before.sa_handler || signal_received() != 0) _exit(1);
    kill(getpid(), first);
    if (wait_for_signal() != first) _exit(2);
    if (second == 0) _exit(0);
    kill(getpid(), second);
    std::this_thread::sleep_for(std::chrono::seconds(10));
    _exit(3);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("the first signal is noted, the second ends the program") {
  for (int signal : {SIGINT, SIGTERM}) {
    CHECK(code_after(signal, 0) == 0);
    CHECK(code_after(signal, SIGTERM) == 128 + SIGTERM);
  }
}

}  // namespace
}  // namespace mininmt
