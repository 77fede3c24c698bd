#include <algorithm>

#include "cuda/kernels.h"
#include "cuda/pools.cuh"

namespace mininmt::cuda {
namespace {

constexpr std::size_t kGuard = 256;  // bytes before and after a guarded block
constexpr int kPattern = 0xa5;

cudaMemPool_t default_pool() {
  context();  // first: its errors say why the GPU can't be used
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, 0), "cudaDeviceGetDefaultMemPool");
  return pool;
}

cudaStream_t new_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}

// The GPU's unused and total memory.
struct MemoryInfo {
  MemoryInfo() { check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo"); }
  std::size_t free = 0, total = 0;
};

}  // namespace

DeviceMemory::Pools::Pools()
    : driver_pool(default_pool()),
      beside(new_stream()),
      lasting([this](std::size_t size) { return take(size); }),
      shared([this](std::size_t size) { return take(size); }),
      staging(context().stream) {}

void* DeviceMemory::Pools::ask_driver(std::size_t size) const {
  void* block = nullptr;
  const cudaError_t status = cudaMallocAsync(&block, size, capturing ? beside : context().stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMallocAsync");
  return block;
}

// If out of memory, frees free blocks, then asks for graphs to be dropped; not possible during capture.
void* DeviceMemory::Pools::take(std::size_t size) {
  void* block = ask_driver(size);
  if (block || capturing || size > MemoryInfo().total) return block;
  do {
    trim();
    block = ask_driver(size);
  } while (!block && reclaim());
  return block;
}

bool DeviceMemory::Pools::reclaim() const {
  return std::any_of(reclaims.begin(), reclaims.end(),
                     [](const auto* release_some) { return (*release_some)(); });
}

void* DeviceMemory::Pools::allocate_shared(std::size_t bytes) {
  const std::size_t before = shared.reserved();
  void* const block = shared.allocate(bytes);
  shared_in_use.insert(block);
  if (!capturing) return block;
  if (shared.reserved() != before) check(cudaStreamSynchronize(beside), "cudaStreamSynchronize");
  capturing->insert(block);
  return block;
}

// Memory free in the driver's pool serves only cudaMallocAsync; graphs and cuBLAS allocate elsewhere.
void DeviceMemory::Pools::trim() noexcept {
  if (capturing) return;
  lasting.trim();
  shared.trim();
  say_failure(cudaStreamSynchronize(context().stream), "cudaStreamSynchronize");
  say_failure(cudaMemPoolTrimTo(driver_pool, 0), "cudaMemPoolTrimTo");
}

void DeviceMemory::Pools::check_released(const std::unordered_set<void*>& blocks) const {
  if (std::any_of(shared_in_use.begin(), shared_in_use.end(),
                  [&](void* block) { return blocks.contains(block); }))
    throw Error(
        "[Graph] what was allocated while a graph was captured, or within ShortLived, must be released "
        "before "
        "the graph runs");
}

DeviceMemory::DeviceMemory() : pools_(std::make_unique<Pools>()) {
  // Freed blocks stay with the process: getting them from the driver again is slow.
  std::uint64_t all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pools_->driver_pool, cudaMemPoolAttrReleaseThreshold, &all),
        "cudaMemPoolSetAttribute");
}

DeviceMemory::~DeviceMemory() = default;

void* DeviceMemory::allocate(std::size_t bytes) {
  Pools& p = *pools_;
  if (p.capturing || p.short_lived > 0) return p.allocate_shared(bytes);
  if (!p.guards) return p.lasting.allocate(bytes);
  auto* const raw = static_cast<unsigned char*>(p.lasting.allocate(bytes + 2 * kGuard));
  const cudaStream_t stream = context().stream;
  check(cudaMemsetAsync(raw, kPattern, bytes + 2 * kGuard, stream), "cudaMemsetAsync");
  check(cudaMemsetAsync(raw + kGuard, 0xff, bytes, stream), "cudaMemsetAsync");
  return raw + kGuard;
}

void DeviceMemory::release(void* block, std::size_t bytes) noexcept {
  Pools& p = *pools_;
  if (p.shared_in_use.erase(block) > 0) return p.shared.release(block, bytes);
  if (!p.guards) return p.lasting.release(block, bytes);
  auto* const raw = static_cast<unsigned char*>(block) - kGuard;
  unsigned char before[kGuard] = {}, after[kGuard] = {};
  try {
    to_host(before, raw, kGuard);
    to_host(after, raw + kGuard + bytes, kGuard);
  } catch (const Error& e) {
    std::fprintf(stderr, "mininmt: %s\n", e.what());
  }
  const auto intact = [](unsigned char byte) { return byte == kPattern; };
  if (!std::all_of(before, before + kGuard, intact) || !std::all_of(after, after + kGuard, intact))
    ++p.violations;
  p.lasting.release(raw, bytes + 2 * kGuard);
}

void DeviceMemory::fill(real* data, std::int64_t count, real value) {
  if (count == 0) return;
  if (value == 0)
    check(cudaMemsetAsync(data, 0, static_cast<std::size_t>(count) * sizeof(real), context().stream),
          "cudaMemsetAsync");
  else
    cuda::fill(count, value, data);
}

void DeviceMemory::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0)
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, context().stream), "cudaMemcpyAsync");
}

void DeviceMemory::from_host(void* to, const void* host, std::size_t bytes) {
  if (pools_->capturing) throw Error("[from_host] nothing can be sent to the GPU while a graph is captured");
  pools_->staging.send(to, host, bytes);
}

void DeviceMemory::to_host(void* host, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, context().stream), "cudaMemcpyAsync");
  synchronize();
}

void DeviceMemory::trim() noexcept { pools_->trim(); }

std::size_t DeviceMemory::in_use() const { return pools_->lasting.in_use() + pools_->shared.in_use(); }

std::size_t DeviceMemory::reserved() const { return pools_->lasting.reserved() + pools_->shared.reserved(); }

std::size_t DeviceMemory::free_bytes() const {
  std::uint64_t held = 0, used = 0;  // by the driver's pool, which keeps memory after cudaFreeAsync
  const cudaMemPool_t pool = pools_->driver_pool;
  check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &held), "cudaMemPoolGetAttribute");
  check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), "cudaMemPoolGetAttribute");
  return MemoryInfo().free + (held - used) + pools_->lasting.spare() + pools_->shared.spare();
}

void DeviceMemory::set_guards(bool on) { pools_->guards = on; }

std::int64_t DeviceMemory::violations() const { return pools_->violations; }

// Never destroyed, like the context.
DeviceMemory& memory() {
  static DeviceMemory* const instance = new DeviceMemory;
  return *instance;
}

ShortLived::ShortLived() { ++memory().pools_->short_lived; }

ShortLived::~ShortLived() { --memory().pools_->short_lived; }

Reclaim::Reclaim(std::function<bool()> release_some) : release_some_(std::move(release_some)) {
  memory().pools_->reclaims.push_back(&release_some_);
}

Reclaim::~Reclaim() { std::erase(memory().pools_->reclaims, &release_some_); }

}  // namespace mininmt::cuda
