#include "tensor/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mininmt {

namespace {

constexpr std::size_t kAlignment = 64, kHugePage = 2 << 20;
constexpr std::size_t kMapped = 1 << 20;  // and above: mapped, and returned to the system by unmapping

void* map(std::size_t size) {
  void* const mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

}  // namespace

// Large blocks ask for huge pages: fewer page faults at first use and fewer TLB misses later.
void* CpuPool::from_system(std::size_t size) {
  if (size < kMapped) return std::aligned_alloc(kAlignment, size);
  // Maps more than needed and unmaps both ends, to align the block to a huge page.
  const std::size_t whole = size + kHugePage;
  void* const mapped = map(whole);
  if (!mapped) return nullptr;
  char* const start = static_cast<char*>(mapped);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  char* const block = start + before;
  if (before > 0) munmap(start, before);
  munmap(block + size, kHugePage - before);
  madvise(block, size, MADV_HUGEPAGE);  // only advice: if refused, it is just slower
  return block;
}

void CpuPool::to_system(void* block, std::size_t size) noexcept {
  if (size < kMapped)
    std::free(block);
  else
    munmap(block, size);
}

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
  static CpuMemory* const memory = new CpuMemory;  // never destroyed: tensors in statics may outlive main
  return *memory;
}

bool can_map(std::size_t bytes) {
  void* const mapped = map(bytes);
  return mapped && munmap(mapped, bytes) == 0;
}

}  // namespace mininmt
