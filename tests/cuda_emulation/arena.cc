#include "tests/cuda_emulation/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/cuda_emulation/faults.h"
#include "tests/cuda_emulation/internal.h"

namespace mininmt::emulation {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;  // of cudaMalloc
constexpr std::size_t kReserved = std::size_t{64} << 30;
constexpr std::size_t kReuseBelow = std::size_t{4} << 30;  // used before freed addresses are reused
constexpr std::size_t kPiece = std::size_t{256} << 10;     // the unit of access that a fault registers
constexpr unsigned char kPoison = 0xff;

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

void* map_or_die(void* at, std::size_t size, int protection, int flags) {
  void* const result = mmap(at, size, protection, flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (result == MAP_FAILED) fail("mmap: " + std::string(std::strerror(errno)));
  return result;
}

void protect_or_die(void* at, std::size_t size, int protection) {
  if (mprotect(at, size, protection) != 0) fail("mprotect: " + std::string(std::strerror(errno)));
}

// The allocation or pinned block that may contain an address.
template <class Map>
auto at_or_before(Map& map, std::uintptr_t address) {
  auto it = map.upper_bound(address);
  return it == map.begin() ? map.end() : std::prev(it);
}

}  // namespace

Arena& Arena::instance() {
  static Arena* const arena = new Arena;  // never destroyed: the driver outlives statics, too
  return *arena;
}

Arena::Arena() {
  base_ = cursor_ = reinterpret_cast<std::uintptr_t>(map_or_die(nullptr, kReserved, PROT_NONE, 0));
  free_ranges_[base_] = kReserved;
}

bool Arena::contains(const void* address) const {
  return reinterpret_cast<std::uintptr_t>(address) - base_ < kReserved;
}

// The next range after the last one, so that freed addresses are reused late; restarts from the beginning if
// too much of the arena would be used.
std::uintptr_t Arena::take_range(std::size_t size) {
  const auto fits = [&](const auto& range) { return range.second >= size; };
  auto found = std::find_if(free_ranges_.lower_bound(cursor_), free_ranges_.end(), fits);
  if (found == free_ranges_.end() || found->first + size > base_ + kReuseBelow)
    found = std::find_if(free_ranges_.begin(), free_ranges_.end(), fits);
  if (found == free_ranges_.end()) return 0;
  const auto [start, length] = *found;
  free_ranges_.erase(found);
  if (length > size) free_ranges_[start + size] = length - size;
  cursor_ = start + size;
  return start;
}

void Arena::give_range(std::uintptr_t start, std::size_t size) {
  auto next = free_ranges_.lower_bound(start);
  if (next != free_ranges_.end() && next->first == start + size) {
    size += next->second;
    next = free_ranges_.erase(next);
  }
  if (next != free_ranges_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == start) {
      before->second += size;
      return;
    }
  }
  free_ranges_[start] = size;
}

bool Arena::take(std::size_t bytes) {
  if (bytes > limit_ || used_ + pool_free_ + bytes > limit_) return false;
  used_ += bytes;
  return true;
}

void Arena::trim_pool(std::size_t bytes_to_keep) {
  pool_free_ = std::min(pool_free_, bytes_to_keep - std::min(bytes_to_keep, pool_used_));
}

void* Arena::reserve(std::size_t bytes, bool pooled) {
  const std::size_t rounded = round_up(bytes, kAlignment), mapped = round_up(rounded, kPage);
  const std::size_t from_pool = pooled ? std::min(pool_free_, rounded) : 0;
  if (rounded > limit_ || used_ + pool_free_ + rounded - from_pool > limit_) return nullptr;
  const std::uintptr_t first = take_range(mapped + kPage);
  if (!first) return nullptr;
  used_ += rounded;
  pool_free_ -= from_pool;
  if (pooled) pool_used_ += rounded;
  const std::uintptr_t start = first + mapped - rounded;
  allocations_[start] = {bytes, first, mapped};
  allocations_[start].pooled = pooled;
  return reinterpret_cast<void*>(start);
}

void Arena::commit(void* start) {
  Allocation& a = allocations_.at(reinterpret_cast<std::uintptr_t>(start));
  void* const pages = reinterpret_cast<void*>(a.first);
  protect_or_die(pages, a.mapped, PROT_READ | PROT_WRITE);
  std::memset(pages, kPoison, a.mapped);
  if (protected_) protect_or_die(pages, a.mapped, PROT_NONE);
  a.committed = true;
  ++executed().allocations;
}

bool Arena::mark_freed(void* start) {
  const auto it = allocations_.find(reinterpret_cast<std::uintptr_t>(start));
  if (it == allocations_.end() || it->second.freed) return false;
  return it->second.freed = true;
}

// The bytes before and after the requested range must still be what commit wrote.
void Arena::check_slack(std::uintptr_t start, const Allocation& a) {
  const Access access;
  const auto intact = [](std::uintptr_t from, std::uintptr_t to) {
    return std::all_of(reinterpret_cast<unsigned char*>(from), reinterpret_cast<unsigned char*>(to),
                       [](unsigned char byte) { return byte == kPoison; });
  };
  if (!intact(a.first, start))
    fail("something wrote before the first byte of an allocation of " + std::to_string(a.bytes) + " bytes");
  if (!intact(start + a.bytes, a.first + a.mapped))
    fail("something wrote behind the last byte of an allocation of " + std::to_string(a.bytes) + " bytes");
}

void Arena::release(void* start) {
  const auto it = allocations_.find(reinterpret_cast<std::uintptr_t>(start));
  const Allocation a = it->second;
  check_slack(it->first, a);
  map_or_die(reinterpret_cast<void*>(a.first), a.mapped, PROT_NONE, MAP_FIXED);
  const std::size_t rounded = round_up(a.bytes, kAlignment);
  used_ -= rounded;
  if (a.pooled) pool_used_ -= rounded;
  if (a.pooled && keeps_freed_) pool_free_ += rounded;
  give_range(a.first, a.mapped + kPage);
  allocations_.erase(it);
  ++executed().frees;
}

void* Arena::allocate_pinned(std::size_t bytes) {
  const std::size_t mapped = round_up(bytes, kPage);
  auto* const pages = static_cast<unsigned char*>(map_or_die(nullptr, mapped + kPage, PROT_NONE, 0));
  protect_or_die(pages, mapped, PROT_READ | PROT_WRITE);
  std::memset(pages, kPoison, mapped);
  void* const start = pages + (mapped - round_up(bytes, kAlignment));
  pinned_[reinterpret_cast<std::uintptr_t>(start)] = bytes;
  return start;
}

bool Arena::free_pinned(void* start) {
  const auto it = pinned_.find(reinterpret_cast<std::uintptr_t>(start));
  if (it == pinned_.end()) return false;
  const std::uintptr_t first = it->first / kPage * kPage;
  munmap(reinterpret_cast<void*>(first), round_up(it->second, kPage) + kPage);
  pinned_.erase(it);
  return true;
}

Place Arena::place(const void* address, std::size_t bytes) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (contains(address)) {
    const auto it = at_or_before(allocations_, at);
    if (it == allocations_.end() || it->second.freed) return Place::kFreedDevice;
    return at + bytes <= it->first + it->second.bytes ? Place::kDevice : Place::kFreedDevice;
  }
  const auto it = at_or_before(pinned_, at);
  return it != pinned_.end() && at + bytes <= it->first + it->second ? Place::kPinned : Place::kHost;
}

void Arena::open() {
  watch_faults();
  if (depth_++ == 0) opener_ = pthread_self();
}

void Arena::close() {
  if (--depth_ > 0) return;
  for (const auto& [piece, bytes] : admitted_) mprotect(piece, bytes, PROT_NONE);
  admitted_.clear();
}

// Called by the fault handler for an access to device memory, so no lock is held and no structure is half
// changed.
bool Arena::admit(const void* address) {
  if (depth_ == 0 || !pthread_equal(opener_, pthread_self())) return false;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  // The last allocation whose pages begin at or before the address; no two share a page.
  const auto it = at_or_before(allocations_, at / kPage * kPage + kPage - 1);
  if (it == allocations_.end() || !it->second.committed) return false;
  const std::uintptr_t first = it->second.first, end = first + it->second.mapped;
  if (at < first || at >= end) return false;
  const std::uintptr_t from = std::max(first, at / kPiece * kPiece);
  const std::uintptr_t to = std::min(end, at / kPiece * kPiece + kPiece);
  protect_or_die(reinterpret_cast<void*>(from), to - from, PROT_READ | PROT_WRITE);
  admitted_.emplace_back(reinterpret_cast<void*>(from), to - from);
  return true;
}

void Arena::protect(bool on) {
  if (on == protected_) return;
  protected_ = on;
  for (const auto& [start, a] : allocations_)
    if (a.committed)
      protect_or_die(reinterpret_cast<void*>(a.first), a.mapped, on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

void Arena::describe_fault(const void* address) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (depth_ == 0 || !pthread_equal(opener_, pthread_self())) {
    std::fprintf(stderr, "emulated CUDA: host code touched device memory at %p\n", address);
    return;
  }
  std::fprintf(stderr, "emulated CUDA: %s touched %p, which is not allocated", running(), address);
  const auto it = at_or_before(allocations_, at);
  if (it != allocations_.end() && it->second.committed)
    std::fprintf(stderr, ": byte %zu after the start of an allocation of %zu bytes",
                 static_cast<std::size_t>(at - it->first), it->second.bytes);
  std::fprintf(stderr, "\n");
}

}  // namespace mininmt::emulation
