// The GPU as the rest of the project sees it; includes no CUDA header.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tensor/memory.h"

namespace mininmt::cuda {

// Whether a GPU can be used, which is tried: its driver and cuBLAS are there, it runs this program's kernels,
// no other program has it to itself. If not, `why` (if given) says what is missing, as in "no NVIDIA driver
// is installed"; one line.
bool available(std::string* why = nullptr);

// "NVIDIA H100 80GB HBM3, compute capability 9.0, 79 GiB, CUDA 13.0". Throws Error where none answers.
std::string description();

// The memory of the GPU, pooled over cudaMallocAsync. While a Recording is made, blocks come from a pool that
// serves recordings alone.
class DeviceMemory final : public Memory {
 public:
  DeviceMemory();
  ~DeviceMemory() override;
  void* allocate(std::size_t bytes) override;
  void release(void* block, std::size_t bytes) noexcept override;
  bool on_host() const override { return false; }
  void fill(real* data, std::int64_t count, real value) override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void from_host(void* to, const void* host, std::size_t bytes) override;
  void to_host(void* host, const void* from, std::size_t bytes) override;

  void trim() noexcept;          // gives the free blocks back
  std::size_t in_use() const;    // bytes handed out, in whole size classes
  std::size_t reserved() const;  // bytes held

  // For tests: every block is filled with NaN and stands between bytes of a pattern, which are compared when
  // it is released; violations() counts the blocks around which something was written. To be set while
  // nothing is handed out.
  void set_guards(bool on);
  std::int64_t violations() const;

 private:
  friend class Recording;
  struct Pools;
  std::unique_ptr<Pools> pools_;
};

// Throws Error where no GPU answers.
DeviceMemory& memory();

// Of the GPU's memory, what no program has taken.
std::size_t free_bytes();

// Waits for all work so far; throws Error if any of it failed.
void synchronize();

// How cuBLAS multiplies float matrices: inputs as they are, or rounded to 10 or 7 bits of mantissa; sums are
// float32 always. No effect on double.
enum class Precision { kFloat32, kTf32, kBf16 };
void set_precision(Precision precision);
Precision precision();

// Records what `work` launches, to be run again and again with one call. `work` must have run once before,
// so that its blocks of memory are there; it must send nothing to the device and wait for nothing. What it
// allocates is taken from blocks that are kept for recordings alone, and that all recordings share: results
// that outlive a run must lie in memory that was allocated before.
class Recording {
 public:
  explicit Recording(const std::function<void()>& work);
  ~Recording();
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;
  void run() const;
  std::size_t nodes() const;  // kernels and copies in it

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

// Memory of the host that the GPU writes to while the host goes on, and a mark in the order of its work.
class Readback {
 public:
  explicit Readback(std::size_t bytes);
  ~Readback();
  Readback(const Readback&) = delete;
  Readback& operator=(const Readback&) = delete;
  void start(const void* device);  // copies `bytes` when the work so far is done
  bool ready() const;              // whether they have arrived
  const void* wait() const;        // waits for them

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mininmt::cuda
