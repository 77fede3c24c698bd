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

// The memory of the GPU, pooled over cudaMallocAsync. Blocks that a Graph uses are kept apart: they are
// handed out while a graph is captured and within ShortLived only.
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

  void trim() noexcept;  // gives the free blocks that no graph uses back to the system, once the GPU is done
  std::size_t in_use() const;    // bytes handed out, in whole size classes
  std::size_t reserved() const;  // bytes held

  // Bytes that can be had: what no program has taken, and what trim() gives back.
  std::size_t free_bytes() const;

  // For tests: every block is filled with NaN and stands between bytes of a pattern, which are compared when
  // it is released; violations() counts the blocks around which something was written. To be set while
  // nothing is handed out.
  void set_guards(bool on);
  std::int64_t violations() const;

 private:
  friend class Graph;
  friend class Reclaim;
  friend class ShortLived;
  struct Pools;
  std::unique_ptr<Pools> pools_;
};

// Throws Error where no GPU answers.
DeviceMemory& memory();

// What is allocated while one exists is released before a captured graph runs again, and so may lie in blocks
// that graphs use: an update that is not captured needs no memory beside theirs.
class ShortLived {
 public:
  ShortLived();
  ~ShortLived();
  ShortLived(const ShortLived&) = delete;
  ShortLived& operator=(const ShortLived&) = delete;
};

// While one exists, `release_some` is called where the GPU has no more memory even after trim(): it gives up
// something that can be made again and returns true, or false if there is nothing. Not called while a graph
// is captured, when nothing can be given back.
class Reclaim {
 public:
  explicit Reclaim(std::function<bool()> release_some);
  ~Reclaim();
  Reclaim(const Reclaim&) = delete;
  Reclaim& operator=(const Reclaim&) = delete;

 private:
  std::function<bool()> release_some_;
};

// Waits for all work so far; throws Error if any of it failed.
void synchronize();

// How cuBLAS multiplies float matrices: inputs as they are, or rounded to 10 or 7 bits of mantissa; sums are
// float32 always. No effect on double.
enum class Precision { kFloat32, kTf32, kBf16 };
void set_precision(Precision precision);
Precision precision();

// A captured graph: what `work` launches, to be run again and again with one call. `work` sends nothing to
// the device and waits for nothing. What it allocates lies in blocks that all graphs share: it is released
// before `work` ends, and results that outlive a run lie in memory that was allocated before. Throws
// OutOfMemory, or Error for anything else that fails.
class Graph {
 public:
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  void run() const;           // throws Error if a tensor still lies in a block of the graph's
  std::size_t nodes() const;  // kernels and copies in it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
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
