// The emulated threads must expose the errors that a real GPU would: each bug below must be detected.
#include <doctest/doctest.h>

#include <array>
#include <numeric>
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

constexpr unsigned kAll = 0xffffffffu;

__global__ void fill(int* out, int n, int value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = value + i;
}

template <bool with_barrier>
__global__ void reverse_block(const int* in, int* out) {
  __shared__ int tile[64];
  tile[threadIdx.x] = in[threadIdx.x];
  if constexpr (with_barrier) __syncthreads();
  out[threadIdx.x] = tile[63 - threadIdx.x];
}

__global__ void sum_of_blocks(int* total) {
  if (threadIdx.x == 0) *total = *total * 3 + static_cast<int>(blockIdx.x);
}

__global__ void partial_barrier(int* out) {
  if (threadIdx.x < 40) __syncthreads();
  out[threadIdx.x] = 1;
}

__global__ void two_barriers(int* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
    out[threadIdx.x] = 1;
  } else {
    __syncthreads();
  }
}

__global__ void partial_shuffle(int* out) {
  if (threadIdx.x < 7) out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
}

__global__ void votes(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  out[t * 4] = __syncthreads_count(t % 3 == 0);
  out[t * 4 + 1] = __syncthreads_or(t == 63) * 2 + __syncthreads_or(0);
  out[t * 4 + 2] = __syncthreads_and(t < 64) * 2 + __syncthreads_and(t < 63);
  out[t * 4 + 3] = static_cast<int>(__ballot_sync(kAll, t % 2)) == static_cast<int>(0xaaaaaaaau) &&
                   __any_sync(kAll, t == 5) == (t < 32) && __all_sync(kAll, t < 32) == (t < 32);
}

template <class T>
__global__ void shuffles(T* out) {
  const int t = static_cast<int>(threadIdx.x);
  const T x = static_cast<T>(t * 10);
  out[t * 5] = __shfl_sync(kAll, x, 3);
  out[t * 5 + 1] = __shfl_xor_sync(kAll, x, 5);
  out[t * 5 + 2] = __shfl_down_sync(kAll, x, 4u);
  out[t * 5 + 3] = __shfl_up_sync(kAll, x, 4u);
  out[t * 5 + 4] = __shfl_sync(kAll, x, 9, 8);
}

__global__ void copy_shared(int* out, int n, bool set) {
  int* const shared = dynamic_shared<int>();
  if (set) shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncthreads();
  if (static_cast<int>(threadIdx.x) < n) out[threadIdx.x] = shared[threadIdx.x];
}

__global__ void uninitialised_static(int* out, bool set) {
  __shared__ int values[32];
  if (set) values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

std::vector<int> reversed(bool with_barrier) {
  Device<int> in(64), out(64);
  std::vector<int> values(64);
  std::iota(values.begin(), values.end(), 100);
  in.set(values);
  start(with_barrier ? reverse_block<true> : reverse_block<false>, 1, 64, 0, nullptr, in.data, out.data);
  return out.host();
}

using emulation::Order;
constexpr std::array kOrders{Order::kForward, Order::kReverse, Order::kShuffle};

TEST_CASE("a kernel runs once for every thread of every block") {
  Device<int> out(1000);
  REQUIRE(start(fill, 8, 128, 0, nullptr, out.data, 1000, 7) == cudaSuccess);
  const std::vector<int> values = out.host();
  for (int i = 0; i < 1000; ++i) REQUIRE(values[static_cast<std::size_t>(i)] == 7 + i);
}

TEST_CASE("with its barrier a kernel is right in every order, without it the orders differ") {
  for (const Order order : kOrders) {
    const auto right = in_order<int>(order, [] { return reversed(true); });
    for (int i = 0; i < 64; ++i) REQUIRE(right[static_cast<std::size_t>(i)] == 163 - i);
  }
  const auto forward = in_order<int>(Order::kForward, [] { return reversed(false); });
  const auto reverse = in_order<int>(Order::kReverse, [] { return reversed(false); });
  CHECK(forward != reverse);
}

TEST_CASE("a race between blocks gives different values in different orders") {
  const auto work = [] {
    Device<int> total(1);
    total.set({0});
    start(sum_of_blocks, 6, 32, 0, nullptr, total.data);
    return total.host();
  };
  CHECK(in_order<int>(Order::kForward, work) != in_order<int>(Order::kReverse, work));
}

TEST_CASE("a barrier that only some threads reach aborts, and so do warp operations without all lanes") {
  Device<int> out(64);
  const auto run = [&](void (*kernel)(int*)) {
    return death_of([&] {
      start(kernel, 1, 64, 0, nullptr, out.data);
      cudaDeviceSynchronize();
    });
  };
  check_death(run(partial_barrier), "partial_barrier block (0,0,0): barrier reached by 40 of 64 threads");
  check_death(run(two_barriers), "threads at different barriers");
  check_death(run(partial_shuffle), "warp operation reached by 7 of 32 lanes of warp 0");
}

TEST_CASE("votes of the block and of the warp") {
  for (const Order order : kOrders) {
    const auto result = in_order<int>(order, [] {
      Device<int> out(256);
      start(votes, 1, 64, 0, nullptr, out.data);
      return out.host();
    });
    for (std::size_t t = 0; t < 64; ++t) {
      CHECK(result[t * 4] == 22);
      CHECK(result[t * 4 + 1] == 2);
      CHECK(result[t * 4 + 2] == 2);
      CHECK(result[t * 4 + 3] == 1);
    }
  }
}

TEST_CASE_TEMPLATE("shuffles", T, int, unsigned, long long, float, double) {
  for (const Order order : kOrders) {
    const auto result = in_order<T>(order, [] {
      Device<T> out(320);
      start(shuffles<T>, 1, 64, 0, nullptr, out.data);
      return out.host();
    });
    for (int t = 0; t < 64; ++t) {
      const int lane = t % 32, warp = t - lane;
      const T* const row = &result[static_cast<std::size_t>(t) * 5];
      CHECK(row[0] == static_cast<T>((warp + 3) * 10));
      CHECK(row[1] == static_cast<T>((warp + (lane ^ 5)) * 10));
      CHECK(row[2] == static_cast<T>((lane < 28 ? t + 4 : t) * 10));
      CHECK(row[3] == static_cast<T>((lane >= 4 ? t - 4 : t) * 10));
      CHECK(row[4] == static_cast<T>((t / 8 * 8 + 1) * 10));
    }
  }
}

TEST_CASE("memory is poison when it is handed out, and shared memory at the start of each block") {
  Device<int> out(32);
  CHECK(out.host() == std::vector<int>(32, -1));
  for (const bool set : {true, false}) {
    REQUIRE(start(copy_shared, 1, 32, 128, nullptr, out.data, 32, set) == cudaSuccess);
    CHECK(out.host()[5] == (set ? 5 : -1));
  }
  for (const bool set : {true, false}) {
    REQUIRE(start(uninitialised_static, 1, 32, 0, nullptr, out.data, set) == cudaSuccess);
    CHECK(out.host()[5] == (set ? 1 : -1));
  }
}

TEST_CASE("launches that a GPU refuses") {
  Device<int> out(64);
  const auto launch = [&](dim3 grid, dim3 block, std::size_t shared) {
    return start(copy_shared, grid, block, shared, nullptr, out.data, 0, false);
  };
  CHECK(launch(0, 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(dim3(1, 65536), 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 1056, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 33, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 1, 4) == cudaSuccess);
  CHECK(launch(1, 32, 48 * 1024) == cudaSuccess);
  CHECK(launch(1, 32, 48 * 1024 + 4) == cudaErrorInvalidValue);
  const auto allow = [](int bytes) {
    return cudaFuncSetAttribute(copy_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  CHECK(allow(100 * 1024) == cudaSuccess);
  CHECK(launch(1, 32, 100 * 1024) == cudaSuccess);
  CHECK(launch(1, 32, 100 * 1024 + 4) == cudaErrorInvalidValue);
  CHECK(allow(228 * 1024) == cudaErrorInvalidValue);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  cudaGetLastError();
}

}  // namespace
}  // namespace mininmt::cuda
