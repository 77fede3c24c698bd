// Released blocks of memory are kept and reused, since every batch needs blocks of similar sizes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace mininmt {

// What happens to free blocks.
enum class Keep {
  kAlways,     // kept
  kWhileRoom,  // kept until the system is out of memory
  kBounded     // kept, but at most a third more than the recent peak
};

// Free lists by size class: four classes per power of two, so at most a fifth of a block is unused.
// Minibatches differ in size, and each would keep its own large blocks. With kBounded a large block (1 MiB or
// more) may therefore also serve requests of half its size, and the least recently used large blocks are
// freed. Thread-safe.
class Pool {
 public:
  explicit Pool(Keep keep) : keep_(keep) {}
  virtual ~Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void* allocate(std::size_t bytes);  // 64-byte aligned, contents undefined; throws OutOfMemory
  void release(void* block, std::size_t bytes) noexcept;  // bytes as passed to allocate

  void trim() noexcept;          // frees the free blocks, except those that must stay
  std::size_t in_use() const;    // bytes in use, as whole classes
  std::size_t reserved() const;  // bytes held from the system
  std::size_t spare() const;     // bytes that trim() would free
  // For tests: fills every block with NaN at allocation, to expose reads of uninitialized memory.
  void set_poison(bool on);

 protected:
  virtual void* from_system(std::size_t size) = 0;  // nullptr if there is none left
  virtual void to_system(void* block, std::size_t size) noexcept = 0;
  virtual void poison(void* block, std::size_t size) = 0;
  virtual bool must_stay(void*) const noexcept { return false; }  // even though it is free

 private:
  static constexpr int kClasses = 64 * 4;
  struct Free {
    void* block;
    std::uint64_t since;  // handed_out_ at its release
  };

  // All except take_new() hold the lock.
  void* take_free(int c);
  void* take_new(int c);
  void add_in_use(std::size_t size);
  std::size_t limit(std::size_t coming) const;
  void give_back_beyond(std::size_t most) noexcept;
  void give_back(int c, std::size_t i) noexcept;

  Keep keep_;
  mutable std::mutex mutex_;
  std::array<std::vector<Free>, kClasses> free_;  // last released last
  std::unordered_map<void*, int> large_;          // kBounded: the class of each large block in use
  std::size_t in_use_ = 0, reserved_ = 0;
  std::uint64_t handed_out_ = 0;                // allocations so far
  std::size_t most_now_ = 0, most_before_ = 0;  // peak use in this and the last window of kWindow allocations
  bool poison_ = false;
};

}  // namespace mininmt
