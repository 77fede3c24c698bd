// Signals are noted without a handler. Tested in a child process, since noting the first one is permanent.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "apps/program/signals.h"

namespace mininmt {
namespace {

int wait_for_signal() {
  for (int i = 0; i < 1000 && signal_received() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return signal_received();
}

// Runs `work` in a child; returns its exit code, -1 if a signal ended it.
int code_of(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void send(int signal) {
  kill(getpid(), signal);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

TEST_CASE("the first signal is noted, the second ends the program") {
  for (const int first : {SIGINT, SIGTERM}) {
    CHECK(code_of([&] {
            struct sigaction before, after;
            sigaction(first, nullptr, &before);
            exit_at_signals();
            note_signals();
            sigaction(first, nullptr, &after);
            if (after.sa_handler != before.sa_handler || signal_received() != 0) return 1;
            kill(getpid(), first);
            return wait_for_signal() == first ? 0 : 2;
          }) == 0);
    CHECK(code_of([&] {
            exit_at_signals();
            note_signals();
            kill(getpid(), first);
            if (wait_for_signal() != first) return 2;
            send(SIGTERM);
            return 3;
          }) == 128 + SIGTERM);
  }
}

TEST_CASE("before there is anything to save the first signal ends the program") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    CHECK(code_of([&] {
            exit_at_signals();
            send(signal);
            return 3;
          }) == 128 + signal);
}

TEST_CASE("signals that were ignored at the start stay ignored") {
  for (const int ignored : {SIGINT, SIGTERM, SIGHUP}) {
    CHECK(code_of([&] {
            std::signal(ignored, SIG_IGN);
            exit_at_signals();
            send(ignored);
            note_signals();
            send(ignored);
            if (signal_received() != 0) return 1;
            send(ignored == SIGTERM ? SIGINT : SIGTERM);
            return signal_received() == (ignored == SIGTERM ? SIGINT : SIGTERM) ? 0 : 2;
          }) == 0);
  }
}

}  // namespace
}  // namespace mininmt
