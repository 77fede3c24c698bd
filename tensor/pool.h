// Blocks of memory that are kept when they are released and handed out again, since every batch needs blocks
// of much the same sizes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace mininmt {

// What becomes of blocks that are free.
enum class Keep {
  kAlways,     // they stay with the pool
  kWhileRoom,  // ... until the system has no more memory: then they are given back
  kBounded     // ... and no more is held than a third above the most that was in use lately
};

// Free lists by size class: four classes to each power of two, so that at most a fifth of a block is unused.
// Minibatches differ in size, and each would keep large blocks of its own. With kBounded a large block (a MiB
// and more) is therefore also handed out for as little as half of its size, and large blocks that were not
// used for longest are given back. Safe to use from any thread.
class Pool {
 public:
  explicit Pool(Keep keep) : keep_(keep) {}
  virtual ~Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void* allocate(std::size_t bytes);  // 64-byte aligned, contents undefined; throws OutOfMemory
  void release(void* block, std::size_t bytes) noexcept;  // bytes as they were asked for

  void trim() noexcept;          // gives the free blocks back to the system, but for those that must stay
  std::size_t in_use() const;    // bytes handed out, in whole classes
  std::size_t reserved() const;  // bytes held from the system
  std::size_t spare() const;     // bytes that trim() would give back
  // For tests: fills every block with NaN when it is handed out, so that a read of what nobody wrote shows.
  void set_poison(bool on);

 protected:
  virtual void* from_system(std::size_t size) = 0;  // nullptr if there is none left
  virtual void to_system(void* block, std::size_t size) noexcept = 0;
  virtual void poison(void* block, std::size_t size) = 0;
  virtual bool must_stay(void*) const noexcept { return false; }  // though it is free

 private:
  static constexpr int kClasses = 64 * 4;
  struct Free {
    void* block;
    std::uint64_t since;  // handed_out_ at its release
  };

  // All but take_new() under the lock.
  void* take_free(int c);
  void* take_new(int c);
  void add_in_use(std::size_t size);
  std::size_t limit(std::size_t coming) const;
  void give_back_beyond(std::size_t most) noexcept;
  void give_back(int c, std::size_t i) noexcept;

  Keep keep_;
  mutable std::mutex mutex_;
  std::array<std::vector<Free>, kClasses> free_;  // what was released last stands last
  std::unordered_map<void*, int> large_;          // kBounded: the class of each large block in use
  std::size_t in_use_ = 0, reserved_ = 0;
  std::uint64_t handed_out_ = 0;                // blocks so far
  std::size_t most_now_ = 0, most_before_ = 0;  // in use, in this and the last window of kWindow of them
  bool poison_ = false;
};

}  // namespace mininmt
