// Where a tensor's elements live, and how they come from and go to the host. One object a device; its blocks
// come from a pool.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/pool.h"
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

// Huge pages for large blocks, of which the part that is never touched takes addresses alone.
class CpuPool final : public Pool {
 public:
  CpuPool() : Pool(Keep::kBounded) {}
  ~CpuPool() override { trim(); }

 protected:
  void* from_system(std::size_t size) override;
  void to_system(void* block, std::size_t size) noexcept override;
  void poison(void* block, std::size_t size) override;
};

class CpuMemory final : public Memory {
 public:
  Pool& pool() { return pool_; }
  void* allocate(std::size_t bytes) override { return pool_.allocate(bytes); }
  void release(void* block, std::size_t bytes) noexcept override { pool_.release(block, bytes); }
  bool on_host() const override { return true; }
  void fill(real* data, std::int64_t count, real value) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void from_host(void* to, const void* host, std::size_t bytes) override;
  void to_host(void* host, const void* from, std::size_t bytes) override;

 private:
  CpuPool pool_;
};

CpuMemory& cpu_memory();  // the process's one, safe to use from any thread

}  // namespace mininmt
