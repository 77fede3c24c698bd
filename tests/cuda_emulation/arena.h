// Device memory: an address range that only the emulator's own operations may access, with an unmapped page
// after every allocation.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace mininmt::emulation {

// Where an address lies.
enum class Place { kHost, kPinned, kDevice, kFreedDevice };

class Arena {
 public:
  static Arena& instance();

  // An address for an allocation, nullptr beyond the limit. Accessible after commit(). pooled: from
  // cudaMallocAsync, which first uses memory free in the driver's pool.
  void* reserve(std::size_t bytes, bool pooled = false);
  void commit(void* start);  // maps it, filled with 0xff
  // Whether start is the first byte of an allocation; from now on no new operation may use it.
  bool mark_freed(void* start);
  void release(void* start);  // unmaps it; accesses fault from now on

  // Pinned host memory.
  void* allocate_pinned(std::size_t bytes);
  bool free_pinned(void* start);

  // The place of [address, address + bytes), which must be in one allocation. With bytes 0, one past the end
  // is allowed.
  Place place(const void* address, std::size_t bytes = 0) const;
  bool contains(const void* address) const;

  void open();  // the calling thread can touch device memory until close(); calls nest
  void close();
  // After a fault at this address: whether to retry the access.
  bool admit(const void* address);
  void protect(bool on);

  void set_limit(std::size_t bytes) { limit_ = bytes; }
  std::size_t limit() const { return limit_; }
  std::size_t used() const { return used_; }

  // Memory without an address here, such as a graph's; false beyond the limit.
  bool take(std::size_t bytes);
  void give(std::size_t bytes) { used_ -= bytes; }

  // The driver's pool: whether it keeps freed memory, its memory in use, its free memory.
  void keep_freed(bool on) { keeps_freed_ = on; }
  std::size_t pool_used() const { return pool_used_; }
  std::size_t pool_free() const { return pool_free_; }
  void trim_pool(std::size_t bytes_to_keep);
  std::int64_t live() const { return static_cast<std::int64_t>(allocations_.size()); }
  void describe_fault(const void* address) const;  // to stderr

 private:
  struct Allocation {
    std::size_t bytes;     // asked for
    std::uintptr_t first;  // page
    std::size_t mapped;    // bytes in pages, without the guard
    bool committed = false;
    bool freed = false;
    bool pooled = false;
  };

  Arena();
  std::uintptr_t take_range(std::size_t size);
  void give_range(std::uintptr_t start, std::size_t size);
  void check_slack(std::uintptr_t start, const Allocation& a);

  std::uintptr_t base_ = 0;
  int depth_ = 0;
  pthread_t opener_{};
  std::vector<std::pair<void*, std::size_t>> admitted_;  // pieces, in bytes
  bool protected_ = true;
  std::size_t limit_ = std::size_t{2} << 30;
  std::size_t used_ = 0;
  bool keeps_freed_ = false;
  std::size_t pool_used_ = 0, pool_free_ = 0;          // pool_used_ is included in used_
  std::uintptr_t cursor_ = 0;                          // where the search for a free range continues
  std::map<std::uintptr_t, std::size_t> free_ranges_;  // start, bytes
  std::map<std::uintptr_t, Allocation> allocations_;   // by the first byte that the caller sees
  std::map<std::uintptr_t, std::size_t> pinned_;
};

// Opens the arena for a scope.
class Access {
 public:
  Access() { Arena::instance().open(); }
  ~Access() { Arena::instance().close(); }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
};

}  // namespace mininmt::emulation
