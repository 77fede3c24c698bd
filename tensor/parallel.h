// Loops over several threads, and the compiler hints that make a plain loop fast.
#pragma once

#include <omp.h>

#include <cstdint>

// A function with this mark is compiled for three levels of x86-64; the best that the machine has is chosen
// when the program starts. Not under the address sanitizer, whose runtime is not up yet at that point.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define MININMT_VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MININMT_VECTORIZED
#endif

namespace mininmt {

// Splits [0, count) into one range a thread and calls work(begin, end) for each, where count * cost is worth
// it. cost is the elements touched per index. Inside another parallel region (one shard of a minibatch a
// thread) it is a plain call. An index belongs to one range, so the result does not depend on the number of
// threads.
template <class Work>
void parallel_for(std::int64_t count, std::int64_t cost, const Work& work) {
  constexpr std::int64_t kWorthAThread = 1 << 15;
  const std::int64_t most = count * cost / kWorthAThread;
  if (most < 2 || omp_in_parallel() || omp_get_max_threads() == 1) {
    work(std::int64_t{0}, count);
    return;
  }
#pragma omp parallel
  {
    const std::int64_t threads = omp_get_num_threads(), i = omp_get_thread_num();
    const std::int64_t begin = count * i / threads, end = count * (i + 1) / threads;
    if (begin < end) work(begin, end);
  }
}

}  // namespace mininmt
