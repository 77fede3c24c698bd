// Allocation of GPU memory: long-lived blocks, and blocks shared by captured graphs.
#pragma once

#include <cstdio>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cuda/context.cuh"

namespace mininmt::cuda {

// For destructors and other code that must not throw.
inline void say_failure(cudaError_t status, const char* what) noexcept {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  std::fprintf(stderr, "mininmt: %s: %s\n", what, cudaGetErrorString(status));
}

// The owner of the source also trims the driver's pool. A free block can be reused at once: its old and new
// users work on one stream, in this order.
class StreamPool final : public Pool {
 public:
  using Source = std::function<void*(std::size_t)>;  // a new block, or nullptr

  explicit StreamPool(Source source) : Pool(Keep::kAlways), source_(std::move(source)) {}
  void add_graphs(void* block, int change) { graphs_.at(block) += change; }

 protected:
  void* from_system(std::size_t size) override {
    void* const block = source_(size);
    if (block) graphs_.emplace(block, 0);
    return block;
  }
  void to_system(void* block, std::size_t) noexcept override {
    graphs_.erase(block);
    say_failure(cudaFreeAsync(block, context().stream), "cudaFreeAsync");
  }
  bool must_stay(void* block) const noexcept override {
    const auto found = graphs_.find(block);
    return found != graphs_.end() && found->second > 0;
  }
  void poison(void* block, std::size_t size) override {
    check(cudaMemsetAsync(block, 0xff, size, context().stream), "cudaMemsetAsync");
  }

 private:
  Source source_;
  std::unordered_map<void*, int> graphs_;  // the number of graphs that use each block
};

// Host memory that the GPU reads asynchronously. from_host copies here first; one half is filled while the
// GPU still reads the other.
class Staging {
 public:
  explicit Staging(cudaStream_t stream) : stream_(stream) {
    check(cudaMallocHost(reinterpret_cast<void**>(&bytes_), 2 * kHalf), "cudaMallocHost");
    for (cudaEvent_t& event : read_)
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  }

  void send(void* to, const void* from, std::size_t bytes) {
    for (std::size_t done = 0; done < bytes;) {
      const std::size_t piece = std::min(bytes - done, kHalf);
      if (used_ + piece > kHalf) switch_half();
      unsigned char* const place = bytes_ + half_ * kHalf + used_;
      std::memcpy(place, static_cast<const unsigned char*>(from) + done, piece);
      check(cudaMemcpyAsync(static_cast<unsigned char*>(to) + done, place, piece, cudaMemcpyHostToDevice,
                            stream_),
            "cudaMemcpyAsync");
      used_ = (used_ + piece + 15) / 16 * 16;
      done += piece;
    }
  }

 private:
  static constexpr std::size_t kHalf = 4 << 20;

  void switch_half() {
    check(cudaEventRecord(read_[half_], stream_), "cudaEventRecord");
    half_ = 1 - half_;
    used_ = 0;
    check(cudaEventSynchronize(read_[half_]), "cudaEventSynchronize");  // returns at once if never recorded
  }

  cudaStream_t stream_;
  unsigned char* bytes_ = nullptr;
  cudaEvent_t read_[2];
  std::size_t used_ = 0;
  int half_ = 0;
};

struct DeviceMemory::Pools {
  Pools();

  void* take(std::size_t size);  // a block from the driver, or nullptr
  void* allocate_shared(std::size_t bytes);
  void trim() noexcept;
  void check_released(const std::unordered_set<void*>& blocks) const;

  cudaMemPool_t driver_pool;
  cudaStream_t beside;  // allocates blocks, since a stream cannot allocate during capture
  StreamPool lasting;
  StreamPool shared;                               // for graphs and ShortLived
  std::unordered_set<void*> shared_in_use;         // the shared blocks in use
  std::unordered_set<void*>* capturing = nullptr;  // the blocks of the graph being captured
  int short_lived = 0;                             // how many ShortLived exist
  std::vector<const std::function<bool()>*> reclaims;
  Staging staging;
  bool guards = false;
  std::int64_t violations = 0;

 private:
  void* ask_driver(std::size_t size) const;
  bool reclaim() const;
};

}  // namespace mininmt::cuda
