#include "tests/cuda_emulation/faults.h"

#include <csignal>
#include <cstdio>

#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/block.h"

namespace mininmt::emulation {
namespace {

struct sigaction before;

void on_fault(int signal, siginfo_t* info, void*) {
  if (Arena::instance().admit(info->si_addr)) return;  // retries the access
  sigaction(signal, &before, nullptr);                 // it faults again, which ends the process
  if (Arena::instance().contains(info->si_addr))
    Arena::instance().describe_fault(info->si_addr);
  else if (in_kernel())
    std::fprintf(stderr, "emulated CUDA: a kernel touched %p, which is not device memory\n", info->si_addr);
  describe_thread();
  std::fflush(stderr);
}

}  // namespace

void watch_faults() {
  struct sigaction now {};
  sigaction(SIGSEGV, nullptr, &now);
  if (now.sa_sigaction == on_fault) return;
  before = now;
  struct sigaction ours {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &ours, nullptr);
}

}  // namespace mininmt::emulation
