#include "tensor/threads.h"

#include <pthread.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <latch>
#include <vector>

#include "tensor/error.h"
#include "tensor/memory.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

void* wait_for(void* end) {
  static_cast<std::latch*>(end)->wait();
  return nullptr;
}

std::size_t stack_bytes() {
  pthread_attr_t attributes;
  std::size_t stack = 0, guard = 0;
  pthread_getattr_default_np(&attributes);
  pthread_attr_getstacksize(&attributes, &stack);
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);
  return stack + guard;
}

}  // namespace

Startable startable_threads(int wanted) {
  std::vector<pthread_t> threads(static_cast<std::size_t>(std::max(wanted - 1, 0)));
  std::latch end(1);
  std::size_t started = 0;
  while (started < threads.size() && pthread_create(&threads[started], nullptr, wait_for, &end) == 0)
    ++started;
  const std::string why = started < threads.size() ? why_no_thread() : "";
  end.count_down();
  for (std::size_t i = 0; i < started; ++i) pthread_join(threads[i], nullptr);
  return {static_cast<int>(started) + 1, why};
}

std::string why_no_thread() {
  const std::size_t bytes = stack_bytes();
  if (!can_map(bytes))
    return join("out of memory: another thread needs ", format_bytes(bytes), " for its stack");
  return "the system allows no more, see 'ulimit -u' and, in a container, its limit on processes";
}

void flush_denormals() {
#ifdef __x86_64__
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
#endif
}

void start_threads() {
  detail::on_each_thread(omp_get_max_threads(), [](int, int) { flush_denormals(); });
}

}  // namespace mininmt
