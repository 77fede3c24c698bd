// What libFuzzer calls: the target that MININMT_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const char* const target = std::getenv("MININMT_FUZZ_TARGET");
  mininmt::require(target != nullptr, "MININMT_FUZZ_TARGET names a target");
  mininmt::run_target(target, {reinterpret_cast<const char*>(bytes), size});
  return 0;
}
