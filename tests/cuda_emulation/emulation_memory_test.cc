// The emulated memory, streams and graphs must expose the errors that a real GPU would.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/cuda_emulation/test_support.h"

namespace mininmt::cuda {

// As in cuda/launch.cuh: the name belongs to the namespace of the declaration, which must be named.
template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char mininmt_dynamic_shared[];
  return reinterpret_cast<T*>(mininmt_dynamic_shared);
}

namespace {

__global__ void fill(int* out, int n, int value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = value + i;
}

__global__ void copy_shared(int* out, int n, bool set) {
  int* const shared = dynamic_shared<int>();
  if (set) shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) out[threadIdx.x] = shared[threadIdx.x];
}

struct Operands {
  const int* in;
  int* out;
};

__global__ void copy_one(Operands o) {
  if (threadIdx.x == 0) *o.out = *o.in;
}

TEST_CASE("a kernel that leaves its memory faults") {
  Device<int> out(1024);
  const auto fill_to = [&](int n) {
    return death_of([&, n] {
      start(fill, 9, 128, 0, nullptr, out.data, n, 0);
      cudaDeviceSynchronize();
    });
  };
  CHECK(fill_to(1024).signal == 0);
  check_death(fill_to(1025), "cuda::(anonymous namespace)::fill");
  check_death(fill_to(1025), "touched");
  check_death(death_of([&] {
                start(copy_shared, 1, 64, 128, nullptr, out.data, 0, true);
                cudaDeviceSynchronize();
              }),
              "wrote byte 128 of 128 bytes of dynamic shared memory");
  check_death(death_of([] {
                Device<char> small(100);
                cudaMemset(small.data, 0, 100);
                start(fill, 1, 32, 0, nullptr, reinterpret_cast<int*>(small.data), 26, 0);
              }),
              "wrote behind the last byte of an allocation of 100 bytes");
}

TEST_CASE("the host cannot touch device memory, unless it is let") {
  Device<int> out(4);
  volatile int* const address = out.data;
  check_death(death_of([&] { *address = 1; }), "");
  check_death(death_of([&] {
                cudaDeviceSynchronize();
                cudaMemset(out.data, 0, 4);
                cudaDeviceSynchronize();
                *address = 1;
              }),
              "host code touched device memory");
  emulation::protect_host(false);
  CHECK(*address == -1);
  emulation::protect_host(true);
}

TEST_CASE("what was freed cannot be used") {
  check_death(death_of([] {
                Stream stream;
                int *a = nullptr, *b = nullptr;
                cudaMallocAsync(&a, 4, stream.handle);
                cudaMallocAsync(&b, 4, stream.handle);
                cudaFreeAsync(a, stream.handle);
                start(copy_one, 1, 32, 0, stream.handle, Operands{a, b});
              }),
              "bytes 0 to 7 are a pointer to device memory that is not allocated");
  check_death(death_of([] {
                Stream first, second;
                int* a = nullptr;
                cudaMallocAsync(&a, 4, first.handle);
                start(fill, 1, 32, 0, second.handle, a, 1, 0);  // does not wait for the allocation
                cudaStreamSynchronize(second.handle);
              }),
              "which is not allocated");
  int* twice = nullptr;
  REQUIRE(cudaMalloc(&twice, 4) == cudaSuccess);
  CHECK(cudaFree(twice) == cudaSuccess);
  CHECK(cudaFree(twice) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
}

TEST_CASE("kernels get no pointers to memory of the host, but to pinned memory") {
  Device<int> out(4);
  int local = 0;
  std::vector<int> heap(4);
  int* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 16) == cudaSuccess);
  CHECK(start(fill, 1, 32, 0, nullptr, pinned, 4, 9) == cudaSuccess);
  cudaDeviceSynchronize();
  CHECK(pinned[3] == 12);
  CHECK(start(copy_one, 1, 32, 0, nullptr, Operands{pinned, out.data}) == cudaSuccess);
  CHECK(out.host()[0] == 9);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  check_death(death_of([&] { start(fill, 1, 32, 0, nullptr, &local, 1, 0); }),
              "argument 1: a pointer to memory of the host");
  check_death(death_of([&] { start(fill, 1, 32, 0, nullptr, heap.data(), 1, 0); }), "memory of the host");
  check_death(death_of([&] {
                start(copy_one, 1, 32, 0, nullptr, Operands{heap.data(), out.data});
              }),
              "argument 1: bytes 0 to 7 are a pointer to memory of the host");
}

TEST_CASE("the host sees nothing before it waits, and staging memory is read late") {
  Device<int> device(4);
  Stream stream;
  int* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 16) == cudaSuccess);
  std::fill(pinned, pinned + 4, 0);
  std::vector<int> pageable{1, 2, 3, 4};
  const auto send = [&](const int* from) {
    CHECK(cudaMemcpyAsync(device.data, from, 16, cudaMemcpyHostToDevice, stream.handle) == cudaSuccess);
  };
  const auto fetch = [&](int* to) {
    CHECK(cudaMemcpyAsync(to, device.data, 16, cudaMemcpyDeviceToHost, stream.handle) == cudaSuccess);
  };
  send(pageable.data());
  pageable.assign(4, 0);
  fetch(pinned);
  CHECK(pinned[0] == 0);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(pinned[3] == 4);
  send(pinned);
  pinned[3] = 50;  // too early
  fetch(pageable.data());
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(pageable[3] == 50);
  start(fill, 1, 32, 0, stream.handle, device.data, 4, 70);
  CHECK(cudaMemcpy(pageable.data(), device.data, 16, cudaMemcpyDeviceToHost) == cudaSuccess);
  CHECK(pageable[3] == 50);  // that copy does not wait for a non-blocking stream
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  CHECK(cudaMemcpy(pageable.data(), device.data, 17, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(pageable.data(), device.data, 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_CASE("copies of rows") {
  Device<int> device(12);
  device.set(std::vector<int>(12, 0));
  const std::vector<int> rows{1, 2, 9, 3, 4, 9};
  CHECK(cudaMemcpy2DAsync(device.data + 1, 16, rows.data(), 12, 8, 2, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(device.host() == std::vector<int>{0, 1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0});
}

TEST_CASE("events order streams and measure time") {
  Device<int> device(32);
  Stream first, second;
  cudaEvent_t before, after;
  REQUIRE(cudaEventCreate(&before) == cudaSuccess);
  REQUIRE(cudaEventCreate(&after) == cudaSuccess);
  std::vector<int> result(32);
  cudaEventRecord(before, first.handle);
  start(fill, 1, 32, 0, first.handle, device.data, 32, 5);
  cudaEventRecord(after, first.handle);
  cudaStreamWaitEvent(second.handle, after);
  cudaMemcpyAsync(result.data(), device.data, 128, cudaMemcpyDeviceToHost, second.handle);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, before, after) == cudaErrorNotReady);
  CHECK(cudaStreamSynchronize(second.handle) == cudaSuccess);
  CHECK(result[2] == 7);
  CHECK(cudaEventElapsedTime(&milliseconds, before, after) == cudaSuccess);
  CHECK(milliseconds >= 0);
  CHECK(cudaEventQuery(after) == cudaSuccess);
  cudaEventDestroy(before);
  cudaEventDestroy(after);
  cudaGetLastError();
}

TEST_CASE("a graph is captured, not run, and replayed with its arguments") {
  Device<int> device(8), copy(8);
  Stream stream;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  int value = 3;
  start(fill, 1, 32, 0, stream.handle, device.data, 8, value);
  value = 1000;
  cudaMemcpyAsync(copy.data, device.data, 32, cudaMemcpyDeviceToDevice, stream.handle);
  REQUIRE(cudaStreamEndCapture(stream.handle, &graph) == cudaSuccess);
  std::size_t nodes = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &nodes) == cudaSuccess);
  CHECK(nodes == 2);
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  cudaGraphDestroy(graph);
  CHECK(copy.host()[1] == -1);
  emulation::reset_counts();
  for (int i = 0; i < 3; ++i) CHECK(cudaGraphLaunch(executable, stream.handle) == cudaSuccess);
  CHECK(emulation::counts().kernels == 0);
  CHECK(copy.host()[1] == 4);
  CHECK(emulation::counts().kernels == 3);
  CHECK(emulation::counts().graph_launches == 3);
  CHECK(emulation::launch_counts() ==
        std::map<std::string, std::int64_t>{{"mininmt::cuda::(anonymous namespace)::fill", 3}});
  cudaGraphExecDestroy(executable);
}

TEST_CASE("what may not be done while a graph is captured") {
  Stream stream;
  const auto begin = [&](cudaStreamCaptureMode mode) {
    REQUIRE(cudaStreamBeginCapture(stream.handle, mode) == cudaSuccess);
  };
  const auto end = [&] {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream.handle, &graph);
    if (graph) cudaGraphDestroy(graph);
    return error;
  };
  int* p = nullptr;
  begin(cudaStreamCaptureModeRelaxed);
  CHECK(cudaMalloc(&p, 4) == cudaSuccess);
  CHECK(end() == cudaSuccess);
  cudaFree(p);
  begin(cudaStreamCaptureModeGlobal);
  CHECK(cudaMalloc(&p, 4) == cudaErrorStreamCaptureUnsupported);
  CHECK(end() == cudaErrorStreamCaptureInvalidated);
  begin(cudaStreamCaptureModeRelaxed);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaErrorStreamCaptureUnsupported);
  CHECK(end() == cudaErrorStreamCaptureInvalidated);
  begin(cudaStreamCaptureModeRelaxed);
  CHECK(cudaMallocAsync(&p, 4, stream.handle) == cudaErrorStreamCaptureUnsupported);
  CHECK(end() == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  cudaGetLastError();
}

TEST_CASE("memory ends, frees make room, and nothing is lost") {
  const std::size_t before = emulation::allocated_bytes();
  emulation::set_memory_limit(before + (1 << 20));
  Stream stream;
  void *a = nullptr, *b = nullptr;
  CHECK(cudaMallocAsync(&a, 1 << 20, stream.handle) == cudaSuccess);
  CHECK(cudaMallocAsync(&b, 256, stream.handle) == cudaErrorMemoryAllocation);
  CHECK(cudaFreeAsync(a, stream.handle) == cudaSuccess);
  for (int i = 0; i < 100; ++i) {
    CHECK(cudaMallocAsync(&b, 1 << 20, stream.handle) == cudaSuccess);
    CHECK(cudaFreeAsync(b, stream.handle) == cudaSuccess);
  }
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(emulation::allocated_bytes() == before);
  emulation::set_memory_limit(std::size_t{2} << 30);
  cudaGetLastError();
}

TEST_CASE("what the driver's pool keeps serves cudaMallocAsync alone, until it is trimmed") {
  constexpr std::size_t kMiB = 1 << 20;
  emulation::set_memory_limit(emulation::allocated_bytes() + 100 * kMiB);
  const Stream stream;
  cudaMemPool_t pool;
  REQUIRE(cudaDeviceGetDefaultMemPool(&pool, 0) == cudaSuccess);
  std::uint64_t threshold = UINT64_MAX;
  CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold) == cudaSuccess);
  const auto held_free = [&] {
    std::uint64_t reserved = 0, used = 0;
    CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved) == cudaSuccess);
    CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used) == cudaSuccess);
    return reserved - used;
  };
  char *large = nullptr, *beside = nullptr;
  CHECK(cudaMallocAsync(&large, 80 * kMiB, stream.handle) == cudaSuccess);
  CHECK(cudaFreeAsync(large, stream.handle) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(held_free() == 80 * kMiB);
  std::size_t free = 0, total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 20 * kMiB);
  CHECK(cudaMalloc(&beside, 40 * kMiB) == cudaErrorMemoryAllocation);
  CHECK(cudaMallocAsync(&large, 90 * kMiB, stream.handle) == cudaSuccess);
  CHECK(held_free() == 0);
  CHECK(cudaFreeAsync(large, stream.handle) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(cudaMemPoolTrimTo(pool, 0) == cudaSuccess);
  CHECK(cudaMalloc(&beside, 40 * kMiB) == cudaSuccess);
  CHECK(cudaFree(beside) == cudaSuccess);
  threshold = 0;
  cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold);
  emulation::set_memory_limit(std::size_t{2} << 30);
}

TEST_CASE("a call fails as it is told to; graphs take memory if they are told to") {
  const Stream stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  CHECK(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  CHECK(cudaStreamEndCapture(stream.handle, &graph) == cudaSuccess);
  emulation::set_call_error("cudaGraphInstantiate", cudaErrorNotSupported);
  CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaErrorNotSupported);
  emulation::set_call_error("cudaGraphInstantiate", cudaSuccess);
  const std::size_t before = emulation::allocated_bytes();
  emulation::set_graph_bytes(std::size_t{1} << 20);
  CHECK(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  CHECK(emulation::allocated_bytes() == before + (1 << 20));
  emulation::set_graph_bytes(std::size_t{4} << 30);
  cudaGraphExec_t too_large;
  CHECK(cudaGraphInstantiate(&too_large, graph, 0) == cudaErrorMemoryAllocation);
  emulation::set_graph_bytes(0);
  CHECK(cudaGraphExecDestroy(executable) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(emulation::allocated_bytes() == before);
}

TEST_CASE("a machine without a GPU") {
  emulation::set_device_error(cudaErrorNoDevice);
  int count = -1;
  void* p = nullptr;
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  CHECK(cudaMalloc(&p, 4) == cudaErrorNoDevice);
  emulation::set_device_error(cudaSuccess);
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(count == 1);
  cudaGetLastError();
}

}  // namespace
}  // namespace mininmt::cuda
