// The tests' interface to the emulated GPU: thread order, limits, counts of executed work.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "emulated/types.h"

namespace mininmt::emulation {

// The order of blocks, of threads between two barriers, and of independent streams: a kernel without races
// gives the same bits in each. Initially MININMT_EMULATION_ORDER (forward, reverse or shuffle), else forward.
// Shuffle uses a new order for every block.
enum class Order { kForward, kReverse, kShuffle };
void set_order(Order order);
Order order();

// Whether host access to device memory faults; initially on.
void protect_host(bool on);

// The result of cudaGetDeviceCount, to test machines without a GPU; initially cudaSuccess. The driver's
// version is then 0, except for cudaErrorInsufficientDriver.
void set_device_error(cudaError_t error);

// Sets the result of a runtime call from now on; cudaSuccess: its real result. For cudaSetDevice,
// cudaLaunchKernelEx, cudaGraphInstantiate, cudaMallocHost and cublasCreate. Initially from
// MININMT_EMULATION_FAIL, as in "cudaSetDevice=46,cublasCreate=1".
void set_call_error(const std::string& call, cudaError_t error);

// Device memory in bytes, initially 2 GiB; beyond it cudaMalloc and cudaMallocAsync fail.
void set_memory_limit(std::size_t bytes);

// Device memory in bytes that instantiating a graph takes; initially 0.
void set_graph_bytes(std::size_t bytes);

// Bytes and number of allocations not yet freed.
std::size_t allocated_bytes();
std::int64_t live_allocations();

// What was executed, not only queued, since reset_counts; a graph's operations count at each launch.
struct Counts {
  std::int64_t kernels = 0;
  std::int64_t gemms = 0;  // calls of cuBLAS
  std::int64_t sorts = 0;
  std::int64_t copies = 0;
  std::int64_t fills = 0;  // cudaMemset
  std::int64_t graph_launches = 0;
  std::int64_t allocations = 0;
  std::int64_t frees = 0;
  std::int64_t blocks = 0;  // of all kernels
};
Counts counts();
std::map<std::string, std::int64_t> launch_counts();  // by the kernel's name, as "mininmt::cuda::fill<float>"
void reset_counts();

}  // namespace mininmt::emulation
