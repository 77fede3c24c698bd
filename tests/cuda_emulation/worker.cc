#include "tests/cuda_emulation/worker.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/cuda_emulation/internal.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace mininmt::emulation {
namespace {

constexpr std::size_t kStack = 128 * 1024;
constexpr std::size_t kGuard = 4096;

// AddressSanitizer must be told of every stack switch.
void leaving([[maybe_unused]] void** saved, [[maybe_unused]] const void* next,
             [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(saved, next, bytes);
#endif
}

void arrived([[maybe_unused]] void* saved, [[maybe_unused]] const void** from,
             [[maybe_unused]] std::size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(saved, from, bytes);
#endif
}

// Stacks start at different offsets in their pages; otherwise all would compete for the same cache lines.
std::size_t next_shift() {
  static std::size_t stacks = 0;
  constexpr std::size_t kLine = 64;
  return stacks++ % 64 * 3 * kLine;
}

// A stack that is never freed, with a guard page before it.
struct Stack {
  boost::context::stack_context allocate() {
    void* const memory = mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("mmap of a stack: " + std::string(std::strerror(errno)));
    mprotect(memory, kGuard, PROT_NONE);
    boost::context::stack_context result;
    result.size = kStack - next_shift();
    result.sp = static_cast<char*>(memory) + kGuard + result.size;
    return result;
  }
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

Worker::Worker(const std::function<void(Worker&)>& work) : work_(work) {
  Stack stack;
  const boost::context::stack_context memory = stack.allocate();
  stack_ = static_cast<char*>(memory.sp) - memory.size;
  stack_bytes_ = memory.size;
  fiber_ =
      boost::context::fiber(std::allocator_arg, boost::context::preallocated(memory.sp, memory.size, memory),
                            stack, [this](boost::context::fiber&& scheduler) {
                              arrived(nullptr, &scheduler_stack_, &scheduler_bytes_);
                              scheduler_ = std::move(scheduler);
                              for (;;) {
                                work_(*this);
                                suspend();
                              }
                              return std::move(scheduler_);
                            });
}

void Worker::resume() {
  void* saved = nullptr;
  leaving(&saved, stack_, stack_bytes_);
  fiber_ = std::move(fiber_).resume();
  arrived(saved, nullptr, nullptr);
}

void Worker::suspend() {
  leaving(&fake_stack_, scheduler_stack_, scheduler_bytes_);
  scheduler_ = std::move(scheduler_).resume();
  arrived(fake_stack_, &scheduler_stack_, &scheduler_bytes_);
}

}  // namespace mininmt::emulation
