// Whether threads can be started, and why not.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "tensor/threads.h"
#include "tests/unit/little_memory.h"

namespace mininmt {

TEST_CASE("where there is room, all threads can be started, again and again") {
  for (const int wanted : {1, 2, 5, 5}) {
    const Startable startable = startable_threads(wanted);
    CHECK(startable.threads == wanted);
    CHECK(startable.why_no_more == "");
  }
}

#ifdef __x86_64__
TEST_CASE("a thread, and those that it starts, flush denormals when told to, and no others do") {
  const auto product = [] {
    volatile float small = 1e-30f, smaller = 1e-10f;
    return small * smaller;
  };
  float before = 0, here = 1, started = 1;
  std::thread([&] {
    before = product();
    flush_denormals();
    here = product();
    std::thread([&] { started = product(); }).join();
  }).join();
  CHECK(before > 0);
  CHECK(here == 0);
  CHECK(started == 0);
  CHECK(product() > 0);
}
#endif

#ifndef MININMT_SANITIZE
TEST_CASE("with little memory some can be started, and the reason is a stack") {
  const int exit_code = with_little_memory(std::size_t{100} << 20, [] {
    const Startable startable = startable_threads(1000);
    const bool has_reason = startable.why_no_more.find("out of memory: another thread needs ") == 0;
    return has_reason && startable.threads < 1000 ? 0 : 1;
  });
  CHECK(exit_code == 0);
}
#endif

}  // namespace mininmt
