// The GPU's interface to the rest of the project; includes no CUDA header.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tensor/memory.h"

namespace mininmt::cuda {

// Whether a GPU is usable, by trying it: driver and cuBLAS are there, it runs this program's kernels, no
// other program holds it exclusively. If not, `why` (if given) is set to one line such as "no NVIDIA driver
// is installed".
bool available(std::string* why = nullptr);

// "NVIDIA H100 80GB HBM3, compute capability 9.0, 79 GiB, CUDA 13.0". Throws Error without a usable GPU.
std::string description();

// Chooses the GPU of the process with this number among those of its machine, before it is first used.
void choose_device_of(int process);

// Differs from those of all other GPUs.
std::string device_id();

// The GPU's memory, pooled over cudaMallocAsync. Blocks used by a Graph are kept apart: they are allocated
// only during capture and within ShortLived.
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

  void trim() noexcept;          // frees the free blocks that no graph uses; waits for the GPU
  std::size_t in_use() const;    // bytes in use, as whole size classes
  std::size_t reserved() const;  // bytes held

  // Bytes available: unused on the GPU, or freed by trim().
  std::size_t free_bytes() const;

  // For tests: fills every block with NaN and surrounds it with a byte pattern, checked at release;
  // violations() counts the blocks with writes around them. Set it only while nothing is allocated.
  void set_guards(bool on);
  std::int64_t violations() const;

 private:
  friend class Graph;
  friend class Reclaim;
  friend class ShortLived;
  struct Pools;
  std::unique_ptr<Pools> pools_;
};

// Throws Error without a usable GPU.
DeviceMemory& memory();

// Allocations while one exists are released before a captured graph runs again, so they may use the graphs'
// blocks: an update that is not captured needs no extra memory.
class ShortLived {
 public:
  ShortLived();
  ~ShortLived();
  ShortLived(const ShortLived&) = delete;
  ShortLived& operator=(const ShortLived&) = delete;
};

// While one exists, `release_some` is called if the GPU is out of memory even after trim(): it releases
// something that can be recreated and returns true, or returns false. Not called during capture, when nothing
// can be freed.
class Reclaim {
 public:
  explicit Reclaim(std::function<bool()> release_some);
  ~Reclaim();
  Reclaim(const Reclaim&) = delete;
  Reclaim& operator=(const Reclaim&) = delete;

 private:
  std::function<bool()> release_some_;
};

// Waits for all work so far; throws Error if any failed.
void synchronize();

// How cuBLAS multiplies float matrices: inputs unchanged, or rounded to 10 or 7 bits of mantissa; sums are
// always float32. No effect on double.
enum class Precision { kFloat32, kTf32, kBf16 };
void set_precision(Precision precision);
Precision precision();

// A captured graph of the launches of `work`, to run repeatedly with one call. `work` must not send anything
// to the device or wait. Its allocations use blocks that all graphs share and must be released before it
// ends; results go to memory allocated before. Throws OutOfMemory, or Error for any other failure.
class Graph {
 public:
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  void run() const;           // throws Error if a tensor still uses a block of the graph
  std::size_t nodes() const;  // kernels and copies in it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Host memory that the GPU writes asynchronously, with an event.
class Readback {
 public:
  explicit Readback(std::size_t bytes);
  ~Readback();
  Readback(const Readback&) = delete;
  Readback& operator=(const Readback&) = delete;
  void start(const void* device);  // copies `bytes` after the work so far
  bool ready() const;              // whether the copy is done
  const void* wait() const;        // waits for the copy

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mininmt::cuda
