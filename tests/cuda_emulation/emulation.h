// What tests ask of the emulated GPU: the order in which threads run, its limits, what it has executed.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "emulated/types.h"

namespace mininmt::emulation {

// The order of blocks, of the threads between two barriers, and of streams that wait for nothing: a kernel
// without races gives the same bits in every one. The first is MININMT_EMULATION_ORDER (forward, reverse or
// shuffle), else forward. Shuffle draws a new order for every block.
enum class Order { kForward, kReverse, kShuffle };
void set_order(Order order);
Order order();

// Whether the host's access to device memory is a fault; on at start.
void protect_host(bool on);

// What cudaGetDeviceCount answers, for tests of a machine without a GPU; cudaSuccess at start. The driver's
// version is then 0, but for cudaErrorInsufficientDriver.
void set_device_error(cudaError_t error);

// What a call of the runtime answers from now on, cudaSuccess: what it would. For cudaSetDevice,
// cudaLaunchKernelEx, cudaGraphInstantiate, cudaMallocHost and cublasCreate. At start by
// MININMT_EMULATION_FAIL, as in "cudaSetDevice=46,cublasCreate=1".
void set_call_error(const std::string& call, cudaError_t error);

// Bytes of the device's memory, 2 GiB at start; beyond it cudaMalloc and cudaMallocAsync fail.
void set_memory_limit(std::size_t bytes);

// Bytes that a graph takes of the device's memory when it is made executable; 0 at start.
void set_graph_bytes(std::size_t bytes);

// Bytes and number of allocations that have not been freed.
std::size_t allocated_bytes();
std::int64_t live_allocations();

// What was executed, not only queued, since reset_counts; the operations of a graph count at each launch.
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
