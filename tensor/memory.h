// Where a tensor's elements live, and copies to and from the host. One object per device; its blocks come
// from a pool.
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
  virtual void release(void* block, std::size_t bytes) noexcept = 0;  // bytes as passed to allocate

  virtual bool on_host() const = 0;  // whether the host can access its blocks directly

  // Executed in call order; on a device the host only waits in to_host.
  virtual void fill(real* data, std::int64_t count, real value) = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;       // within this memory
  virtual void from_host(void* to, const void* host, std::size_t bytes) = 0;  // `host` can be reused at once
  virtual void to_host(void* host, const void* from, std::size_t bytes) = 0;
};

// Uses huge pages for large blocks; untouched parts only take address space.
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

CpuMemory& cpu_memory();  // one per process, thread-safe

// Whether the system would give this many bytes more now. Takes nothing.
bool can_map(std::size_t bytes);

}  // namespace mininmt
