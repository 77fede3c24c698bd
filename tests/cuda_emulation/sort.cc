#include <cstring>
#include <string>

#include "cub/cub.cuh"
#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"

namespace mininmt::emulation::host {
namespace {

void check_place(const std::string& name, const void* address, std::size_t bytes) {
  if (Arena::instance().place(address, bytes) != Place::kDevice)
    fail("DeviceRadixSort: the " + name + " are not in device memory that is allocated");
}

}  // namespace

void check_sort(const void* temporary, std::size_t temporary_bytes, const void* const addresses[4],
                const std::size_t bytes[4]) {
  const std::lock_guard lock(mutex());
  const char* const names[4] = {"keys", "values", "sorted keys", "sorted values"};
  check_place("temporary bytes", temporary, temporary_bytes);
  for (int i = 0; i < 4; ++i) check_place(names[i], addresses[i], bytes[i]);
  const auto overlap = [&](int i, int j) {
    const auto* const a = static_cast<const char*>(addresses[i]);
    const auto* const b = static_cast<const char*>(addresses[j]);
    return a < b + bytes[j] && b < a + bytes[i];
  };
  for (int out = 2; out < 4; ++out)
    for (int other = 0; other < out; ++other)
      if (overlap(out, other))
        fail(std::string("DeviceRadixSort: the ") + names[out] + " overlap the " + names[other]);
}

cudaError_t queue_sort(void* temporary, std::size_t bytes, std::function<void()> sort, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return enqueue(stream, [=, sort = std::move(sort)] {
    set_running("DeviceRadixSort");
    ++executed().sorts;
    std::memset(temporary, 0xff, bytes);
    sort();
  });
}

}  // namespace mininmt::emulation::host
