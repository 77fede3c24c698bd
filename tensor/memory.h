// Where a tensor's elements live. One object a device; the CPU's keeps what is released and hands it out
// again, since every batch needs blocks of much the same sizes.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

namespace mininmt {

class Memory {
 public:
  virtual ~Memory() = default;
  virtual void* allocate(std::size_t bytes) = 0;  // 64-byte aligned, contents undefined; throws Error
  virtual void release(void* block, std::size_t bytes) noexcept = 0;  // bytes as they were asked for
};

// Free lists by size class: four classes to each power of two, so that at most a fifth of a block is unused;
// for blocks over a MiB one class, of which the unused part is never touched.
class CpuMemory final : public Memory {
 public:
  ~CpuMemory() override;
  void* allocate(std::size_t bytes) override;
  void release(void* block, std::size_t bytes) noexcept override;

  void trim() noexcept;          // gives the free blocks back to the system
  std::size_t in_use() const;    // bytes handed out, in whole classes
  std::size_t reserved() const;  // bytes held from the system
  // For tests: fills every block with NaN when it is handed out, so that a read of what nobody wrote shows.
  void set_poison(bool on);

 private:
  static constexpr int kClasses = 64 * 4;
  mutable std::mutex mutex_;
  std::array<std::vector<void*>, kClasses> free_;
  std::size_t in_use_ = 0, reserved_ = 0;
  bool poison_ = false;
};

CpuMemory& cpu_memory();  // the process's one, safe to use from any thread

}  // namespace mininmt
