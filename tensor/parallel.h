// Parallel loops, and the compiler hints that make plain loops fast.
#pragma once

#include <omp.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

// A function with this mark is compiled for three levels of x86-64; the best one is chosen when the program
// starts. Not with the address sanitizer, whose runtime is not ready at that point. Clang before 18 checks
// levels wrongly, so there it tests for features.
#if !defined(__x86_64__) || defined(MININMT_SANITIZE)
#define MININMT_VECTORIZED
#elif defined(__clang__) && __clang_major__ < 18
#define MININMT_VECTORIZED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MININMT_VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

namespace mininmt {

// Calls the lambda f, compiled with that mark: for templates, which Clang does not clone.
#if defined(__clang__) && defined(__x86_64__)
template <class F>
__attribute__((target("arch=x86-64-v4"), flatten)) void call_at_level_4(const F& f) {
  f();
}
template <class F>
__attribute__((target("arch=x86-64-v3"), flatten)) void call_at_level_3(const F& f) {
  f();
}
template <class F>
void vectorized(const F& f) {
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    call_at_level_4(f);
  else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    call_at_level_3(f);
  else
    f();
}
#else
template <class F>
MININMT_VECTORIZED __attribute__((flatten)) void vectorized(const F& f) {
  f();
}
#endif

namespace detail {

// Runs work(i, threads) on each thread i of a team and rethrows the first exception. All parallel regions go
// through here, since an exception that leaves one ends the program.
template <class Work>
void on_each_thread(int threads, const Work& work) {
  std::exception_ptr failure;
  std::mutex mutex;
#pragma omp parallel num_threads(threads)
  {
    try {
      work(omp_get_thread_num(), omp_get_num_threads());
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

// While it lives, parallel loops of this thread, also those of libraries, have no other threads.
class Alone {
 public:
  Alone() { omp_set_num_threads(1); }
  ~Alone() { omp_set_num_threads(before_); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  const int before_ = omp_get_max_threads();
};

}  // namespace detail

// Splits [0, count) into one range per thread and calls work(begin, end) for each, if count * cost is large
// enough. cost: elements touched per index. Inside another parallel region it is a plain call. Each index
// belongs to one range, so the result does not depend on the number of threads. Exceptions are rethrown after
// all ranges have finished.
template <class Work>
void parallel_for(std::int64_t count, std::int64_t cost, const Work& work) {
  constexpr std::int64_t kWorthAThread = 1 << 15;
  const std::int64_t most = count * cost / kWorthAThread;
  if (most < 2 || omp_in_parallel() || omp_get_max_threads() == 1) {
    work(std::int64_t{0}, count);
    return;
  }
  detail::on_each_thread(omp_get_max_threads(), [&](std::int64_t i, std::int64_t threads) {
    const std::int64_t begin = count * i / threads, end = count * (i + 1) / threads;
    if (begin < end) work(begin, end);
  });
}

// Calls work(0) ... work(count - 1), each on the first free one of `threads` threads: for a few pieces of
// different sizes. With one piece, or inside another parallel region, it is a plain loop, and so it is with one
// thread, but that what a piece computes has no other threads to itself. After an exception no further piece
// starts; it is rethrown. of: the pieces that there are in all, of which these are a share: if there are more
// than one, what a single one computes has no other threads to itself either.
template <class Work>
void parallel_for_each(std::int64_t count, int threads, const Work& work, std::int64_t of = 0) {
  const auto one_by_one = [&] {
    for (std::int64_t i = 0; i < count; ++i) work(i);
  };
  if ((count <= 1 && of <= 1) || omp_in_parallel()) return one_by_one();
  if (threads == 1) {
    const detail::Alone alone;
    return one_by_one();
  }
  std::atomic<std::int64_t> next = 0;
  detail::on_each_thread(threads, [&](int, int) {
    try {
      for (std::int64_t i; (i = next++) < count;) work(i);
    } catch (...) {
      next = count;
      throw;
    }
  });
}

}  // namespace mininmt
