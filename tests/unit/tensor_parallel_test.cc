// Parallel loops: each index once, on several threads if worth it; exceptions.
#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "tensor/error.h"
#include "tensor/memory.h"
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
  parallel_for_each(2, 2, [&](std::int64_t i) { (i == 0 ? a : b).loop(8); });
  CHECK(a.calls == 1);
  CHECK(b.calls == 1);
  CHECK(a.each_once());
  CHECK(b.each_once());
}

TEST_CASE_FIXTURE(TwoThreads, "a piece on one thread has no other to itself, and after it there are two again") {
  Ranges a(100'000), b(100'000), after(100'000);
  parallel_for_each(2, 1, [&](std::int64_t i) { (i == 0 ? a : b).loop(8); });
  after.loop(8);
  CHECK(a.calls == 1);
  CHECK(b.calls == 1);
  CHECK(after.calls == 2);
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

TEST_CASE_FIXTURE(TwoThreads,
                  "nested: a loop in a loop has each index once, all on the thread of its piece") {
  constexpr std::int64_t kOuter = 65536, kInner = 65536;
  std::atomic<std::int64_t> sum = 0;
  std::atomic<int> calls = 0, strangers = 0;
  parallel_for(kOuter, 1, [&](std::int64_t outer, std::int64_t) {
    const auto thread = std::this_thread::get_id();
    parallel_for(kInner, 8, [&](std::int64_t begin, std::int64_t end) {
      ++calls;
      strangers += std::this_thread::get_id() != thread;
      for (std::int64_t i = begin; i < end; ++i) sum += outer == 0 ? 1 : 2;
    });
    parallel_for_each(100, 2, [&](std::int64_t) {
      strangers += std::this_thread::get_id() != thread;
      sum += 1;
    });
  });
  CHECK(calls == 2);
  CHECK(strangers == 0);
  CHECK(sum == 3 * kInner + 200);
}

TEST_CASE("parallel_for_each: each piece once, on no more threads than asked for") {
  for (const int threads : {1, 2, 3}) {
    std::vector<std::atomic<int>> visits(1000);
    std::set<int> seen;
    std::mutex mutex;
    parallel_for_each(1000, threads, [&](std::int64_t i) {
      ++visits[static_cast<std::size_t>(i)];
      const std::lock_guard lock(mutex);
      seen.insert(omp_get_thread_num());
    });
    for (const auto& n : visits) CHECK(n == 1);
    CHECK(static_cast<int>(seen.size()) <= threads);
  }
  parallel_for_each(0, 2, [](std::int64_t) { FAIL("there is nothing to do"); });
}

TEST_CASE_FIXTURE(TwoThreads, "what work throws leaves the loop, from any of its threads") {
  for (const std::int64_t where : {0, 40'000, 65'535}) {
    const auto loop = [where] {
      parallel_for(65'536, 8, [where](std::int64_t begin, std::int64_t end) {
        if (begin <= where && where < end) throw DataError("stop");
      });
    };
    CHECK_THROWS_WITH_AS(loop(), "stop", DataError);
  }
  const auto all = [] { parallel_for(65'536, 8, [](std::int64_t, std::int64_t) { throw Error("stop"); }); };
  CHECK_THROWS_WITH_AS(all(), "stop", Error);
  Ranges after(65'536);
  after.loop(8);
  CHECK(after.each_once());
}

TEST_CASE_FIXTURE(TwoThreads, "an allocation that fails in the loop is an exception like any other") {
  // Thrown by hand, since the address sanitizer aborts at an impossible allocation.
  const auto standard = [] {
    parallel_for(65'536, 8, [](std::int64_t, std::int64_t) { throw std::bad_alloc(); });
  };
  CHECK_THROWS_AS(standard(), std::bad_alloc);
  const auto block = [] {
    parallel_for_each(2, 2, [](std::int64_t) { cpu_memory().allocate(std::size_t{1} << 60); });
  };
  CHECK_THROWS_AS(block(), Error);
}

TEST_CASE("parallel_for_each: after an exception no further piece is begun") {
  for (const int threads : {1, 2}) {
    std::atomic<int> begun = 0;
    const auto loop = [&] {
      parallel_for_each(100'000, threads, [&](std::int64_t i) {
        ++begun;
        if (i == 0) throw Error("stop");
        std::this_thread::yield();
      });
    };
    CHECK_THROWS_WITH_AS(loop(), "stop", Error);
    CHECK(begun < 100'000);
  }
}

}  // namespace mininmt
