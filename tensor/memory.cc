#include "tensor/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mininmt {

// A large block asks for huge pages: fewer page faults at its first use, fewer misses of the address cache
// later.
void* CpuPool::from_system(std::size_t size) {
  constexpr std::size_t kAlignment = 64, kHugePage = 2 << 20;
  if (size < kHugePage) return std::aligned_alloc(kAlignment, size);
  void* const block = std::aligned_alloc(kHugePage, (size + kHugePage - 1) / kHugePage * kHugePage);
  if (block) madvise(block, size, MADV_HUGEPAGE);  // advice: a refusal costs speed alone
  return block;
}

void CpuPool::to_system(void* block) noexcept { std::free(block); }

void CpuPool::poison(void* block, std::size_t size) {
  std::memset(block, 0xff, size);  // all bits set is a NaN in float and in double
}

void CpuMemory::fill(real* data, std::int64_t count, real value) { std::fill(data, data + count, value); }

void CpuMemory::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void CpuMemory::from_host(void* to, const void* host, std::size_t bytes) { copy(to, host, bytes); }

void CpuMemory::to_host(void* host, const void* from, std::size_t bytes) { copy(host, from, bytes); }

CpuMemory& cpu_memory() {
  static CpuMemory* const memory =
      new CpuMemory;  // never destroyed: tensors in other statics may outlive main
  return *memory;
}

}  // namespace mininmt
