// Where a tensor's elements live. One object a device; it keeps what is released and hands it out again,
// since every batch needs blocks of much the same sizes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "tensor/types.h"

namespace mininmt {

class Memory {
 public:
  virtual ~Memory() = default;
  virtual void* allocate(std::size_t bytes) = 0;  // 64-byte aligned, contents undefined; throws Error
  virtual void release(void* block, std::size_t bytes) noexcept = 0;  // bytes as they were asked for

  virtual bool on_host() const = 0;  // whether the host reads and writes its blocks directly

  // Work in the order of the calls; on a device the host does not wait for it, except in to_host.
  virtual void fill(real* data, std::int64_t count, real value) = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;       // from and to this memory
  virtual void from_host(void* to, const void* host, std::size_t bytes) = 0;  // `host` is free again at once
  virtual void to_host(void* host, const void* from, std::size_t bytes) = 0;
};

// Free lists by size class: four classes to each power of two, so that at most a fifth of a block is unused.
class PooledMemory : public Memory {
 public:
  // From `coarse` bytes on there is one class to each power of two. trims: when the system has no more
  // memory, the free blocks are given back to it.
  explicit PooledMemory(std::size_t coarse, bool trims = true) : coarse_(coarse), trims_(trims) {}

  void* allocate(std::size_t bytes) override;
  void release(void* block, std::size_t bytes) noexcept override;

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

// Huge pages for large blocks, of which the part that is never touched takes addresses alone.
class CpuMemory final : public PooledMemory {
 public:
  // Minibatches differ in size, and with many classes each would keep large blocks of its own. The system
  // gives memory to the part of a block that is touched, so the unused part costs addresses alone.
  CpuMemory() : PooledMemory(1 << 20) {}
  ~CpuMemory() override;
  bool on_host() const override { return true; }
  void fill(real* data, std::int64_t count, real value) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void from_host(void* to, const void* host, std::size_t bytes) override;
  void to_host(void* host, const void* from, std::size_t bytes) override;

 protected:
  void* from_system(std::size_t size) override;
  void to_system(void* block) noexcept override;
  void poison(void* block, std::size_t size) override;
};

CpuMemory& cpu_memory();  // the process's one, safe to use from any thread

}  // namespace mininmt
