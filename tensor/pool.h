// Blocks of memory that are kept when they are released and handed out again, since every batch needs blocks
// of much the same sizes.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace mininmt {

// Free lists by size class: four classes to each power of two, so that at most a fifth of a block is unused.
// Safe to use from any thread.
class Pool {
 public:
  // From `coarse` bytes on there is one class to each power of two. trims: when the system has no more
  // memory, the free blocks are given back to it.
  explicit Pool(std::size_t coarse, bool trims = true) : coarse_(coarse), trims_(trims) {}
  virtual ~Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void* allocate(std::size_t bytes);                      // 64-byte aligned, contents undefined; throws Error
  void release(void* block, std::size_t bytes) noexcept;  // bytes as they were asked for

  void trim() noexcept;          // gives the free blocks back to the system
  std::size_t in_use() const;    // bytes handed out, in whole classes
  std::size_t reserved() const;  // bytes held from the system
  // For tests: fills every block with NaN when it is handed out, so that a read of what nobody wrote shows.
  void set_poison(bool on);

 protected:
  virtual void* from_system(std::size_t size) = 0;  // nullptr if there is none left
  virtual void to_system(void* block) noexcept = 0;
  virtual void poison(void* block, std::size_t size) = 0;

  static constexpr std::size_t kFineClasses = ~std::size_t{0};  // four to each power of two however large

 private:
  static constexpr int kClasses = 64 * 4;
  int class_of(std::size_t bytes) const;

  std::size_t coarse_;
  bool trims_;
  mutable std::mutex mutex_;
  std::array<std::vector<void*>, kClasses> free_;
  std::size_t in_use_ = 0, reserved_ = 0;
  bool poison_ = false;
};

}  // namespace mininmt
