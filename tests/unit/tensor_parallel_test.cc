// parallel_for: each index once, over several threads where it is worth it.
#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "tensor/parallel.h"

namespace mininmt {
namespace {

struct Ranges {
  std::vector<std::atomic<int>> visits;
  std::atomic<int> calls = 0;

  explicit Ranges(std::int64_t count) : visits(static_cast<std::size_t>(count)) {}
  void loop(std::int64_t cost) {
    parallel_for(static_cast<std::int64_t>(visits.size()), cost,
                 [this](std::int64_t begin, std::int64_t end) {
                   ++calls;
                   for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
                 });
  }
  bool each_once() const {
    for (const auto& n : visits)
      if (n != 1) return false;
    return true;
  }
};

struct TwoThreads {
  TwoThreads() { omp_set_num_threads(2); }
  ~TwoThreads() { omp_set_num_threads(before); }
  const int before = omp_get_max_threads();
};

}  // namespace

TEST_CASE_FIXTURE(TwoThreads, "a large loop is split in two, a small one is not") {
  Ranges large(65536), odd(77357), small(65535), costly(77), one(1);
  large.loop(1), odd.loop(3), small.loop(1), costly.loop(8 * 1001), one.loop(1 << 20);
  CHECK(large.calls == 2);
  CHECK(odd.calls == 2);
  CHECK(small.calls == 1);
  CHECK(costly.calls == 2);
  CHECK(one.calls == 1);
  for (const Ranges* ranges : {&large, &odd, &small, &costly, &one}) CHECK(ranges->each_once());
}

TEST_CASE_FIXTURE(TwoThreads, "inside of a parallel region it is a plain call") {
  Ranges a(100'000), b(100'000);
#pragma omp parallel num_threads(2)
  (omp_get_thread_num() == 0 ? a : b).loop(8);
  CHECK(a.calls == 1);
  CHECK(b.calls == 1);
  CHECK(a.each_once());
  CHECK(b.each_once());
}

TEST_CASE("with one thread it is a plain call") {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  Ranges ranges(100'000);
  ranges.loop(8);
  CHECK(ranges.calls == 1);
  CHECK(ranges.each_once());
  omp_set_num_threads(before);
}

}  // namespace mininmt
