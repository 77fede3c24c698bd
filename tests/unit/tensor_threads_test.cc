// Whether threads can be started, and why not.
#include <doctest/doctest.h>

#include <string>

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
