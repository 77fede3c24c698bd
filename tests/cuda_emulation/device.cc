#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "cuda_runtime.h"
#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/block.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"
#include "tests/cuda_emulation/symbols.h"

namespace mininmt::emulation {
namespace {

constexpr int kMultiprocessors = 4;
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kMaxGrid = 65535;  // of y and z

thread_local cudaError_t last_error = cudaSuccess;
cudaError_t asked_error = cudaSuccess;
std::string running_now;

Order order_at_start() {
  const char* const name = std::getenv("MININMT_EMULATION_ORDER");
  if (!name || std::strcmp(name, "forward") == 0) return Order::kForward;
  if (std::strcmp(name, "reverse") == 0) return Order::kReverse;
  if (std::strcmp(name, "shuffle") == 0) return Order::kShuffle;
  fail(std::string("MININMT_EMULATION_ORDER is '") + name + "', none of forward, reverse, shuffle");
}

Order& current_order() {
  static Order order = order_at_start();
  return order;
}

std::map<std::string, cudaError_t> call_errors_at_start() {
  std::map<std::string, cudaError_t> errors;
  const char* const given = std::getenv("MININMT_EMULATION_FAIL");
  std::istringstream text(given ? given : "");
  for (std::string entry; std::getline(text, entry, ',');) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos) fail("MININMT_EMULATION_FAIL has no '=' in " + entry);
    errors[entry.substr(0, equals)] = static_cast<cudaError_t>(std::stoi(entry.substr(equals + 1)));
  }
  return errors;
}

std::map<std::string, cudaError_t>& call_errors() {
  static auto* const errors = new std::map<std::string, cudaError_t>(call_errors_at_start());
  return *errors;
}

// The emulator's information about a kernel, looked up once.
struct Kernel {
  std::string name;
  std::vector<ThreadLocal> static_shared;
  std::size_t static_bytes = 0;
  std::size_t allowed_dynamic = kSharedPerBlock;
};

Kernel& kernel_at(const void* address) {
  static auto* const kernels = new std::map<const void*, Kernel>;
  const auto [it, is_new] = kernels->try_emplace(address);
  if (is_new) {
    it->second.name = kernel_name(address);
    it->second.static_shared = shared_arrays(address);
    for (const ThreadLocal& array : it->second.static_shared) it->second.static_bytes += array.bytes;
  }
  return it->second;
}

cudaError_t refuse(const Kernel& kernel, cudaError_t error, const std::string& why) {
  std::fprintf(stderr, "emulated CUDA: kernel %s is not launched: %s\n", kernel.name.c_str(), why.c_str());
  return report(error);
}

bool is_mapped(std::uintptr_t address) {
  constexpr std::uintptr_t kPage = 4096;
  unsigned char resident;
  return mincore(reinterpret_cast<void*>(address / kPage * kPage), 1, &resident) == 0;
}

[[noreturn]] void fail_argument(const void* kernel, int argument, const std::string& what) {
  fail("kernel " + kernel_at(kernel).name + " argument " + std::to_string(argument) + ": " + what);
}

}  // namespace

std::recursive_mutex& mutex() {
  static auto* const only = new std::recursive_mutex;
  return *only;
}

void fail(const std::string& text) {
  std::fprintf(stderr, "emulated CUDA: %s\n", text.c_str());
  std::fflush(stderr);
  std::abort();
}

cudaError_t report(cudaError_t error) { return last_error = error; }

cudaError_t device_error() { return asked_error; }

cudaError_t call_error(const char* call) {
  const auto found = call_errors().find(call);
  return found == call_errors().end() ? cudaSuccess : found->second;
}

void set_running(const std::string& what) { running_now = what; }

const char* running() { return running_now.c_str(); }

Counts& executed() {
  static Counts counts;
  return counts;
}

std::map<std::string, std::int64_t>& executed_kernels() {
  static auto* const counts = new std::map<std::string, std::int64_t>;
  return *counts;
}

void set_order(Order order) { current_order() = order; }
Order order() { return current_order(); }
void protect_host(bool on) { Arena::instance().protect(on); }
void set_device_error(cudaError_t error) { asked_error = error; }
void set_call_error(const std::string& call, cudaError_t error) { call_errors()[call] = error; }
void set_memory_limit(std::size_t bytes) { Arena::instance().set_limit(bytes); }
std::size_t allocated_bytes() { return Arena::instance().used(); }
std::int64_t live_allocations() { return Arena::instance().live(); }
Counts counts() { return executed(); }
std::map<std::string, std::int64_t> launch_counts() { return executed_kernels(); }

void reset_counts() {
  executed() = {};
  executed_kernels().clear();
}

namespace host {

void check_pointer(const void* kernel, int argument, const void* address) {
  const std::lock_guard lock(mutex());
  if (!address) return;
  const Place place = Arena::instance().place(address);
  if (place == Place::kHost) fail_argument(kernel, argument, "a pointer to memory of the host");
  if (place == Place::kFreedDevice)
    fail_argument(kernel, argument, "a pointer to device memory that is not allocated");
}

// A word that is the address of mapped memory counts as a pointer. Small numbers are skipped.
void check_struct(const void* kernel, int argument, const void* bytes, std::size_t size) {
  constexpr std::uintptr_t kLeast = std::uintptr_t{1} << 32, kMost = std::uintptr_t{1} << 47;
  const std::lock_guard lock(mutex());
  for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= size; at += sizeof(std::uintptr_t)) {
    std::uintptr_t word;
    std::memcpy(&word, static_cast<const char*>(bytes) + at, sizeof word);
    if (word < kLeast || word >= kMost) continue;
    const auto* const address = reinterpret_cast<const void*>(word);
    const Place place = Arena::instance().place(address);
    const std::string where = "bytes " + std::to_string(at) + " to " + std::to_string(at + 7);
    if (place == Place::kHost && is_mapped(word))
      fail_argument(kernel, argument, where + " are a pointer to memory of the host (or were never set)");
    if (place == Place::kFreedDevice)
      fail_argument(kernel, argument, where + " are a pointer to device memory that is not allocated");
  }
}

cudaError_t launch(const cudaLaunchConfig_t& config, const void* address, std::function<void()> body) {
  const std::lock_guard lock(mutex());
  if (device_error()) return report(device_error());
  if (const cudaError_t error = call_error("cudaLaunchKernelEx")) return report(error);
  const Kernel& kernel = kernel_at(address);
  const dim3 grid = config.gridDim, block = config.blockDim;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMaxThreads || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > 0x7fffffffu || grid.y > kMaxGrid || grid.z > kMaxGrid)
    return refuse(kernel, cudaErrorInvalidConfiguration, "its grid or its block is empty or too large");
  if (threads > 1 && threads % warpSize != 0)
    return refuse(kernel, cudaErrorInvalidConfiguration,
                  std::to_string(threads) + " threads are not a multiple of 32");
  if (config.dynamicSmemBytes + kernel.static_bytes > kernel.allowed_dynamic)
    return refuse(kernel, cudaErrorInvalidValue,
                  std::to_string(config.dynamicSmemBytes) + " bytes of dynamic and " +
                      std::to_string(kernel.static_bytes) + " of static shared memory are too many");
  if (config.numAttrs != 0) return refuse(kernel, cudaErrorNotSupported, "attributes are not emulated");
  const auto what = std::make_shared<const Launch>(
      Launch{kernel.name, grid, block, config.dynamicSmemBytes, kernel.static_shared, std::move(body)});
  return enqueue(config.stream, [what] {
    set_running("kernel " + what->name);
    ++executed().kernels;
    ++executed_kernels()[what->name];
    run(*what);
  });
}

}  // namespace host
}  // namespace mininmt::emulation

using namespace mininmt::emulation;

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  if (!count) return report(cudaErrorInvalidValue);
  *count = device_error() ? 0 : 1;
  return device_error() ? report(device_error()) : cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return device_error() ? report(device_error()) : cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device_error()) return report(device_error());
  if (const cudaError_t error = call_error("cudaSetDevice")) return report(error);
  return device == 0 ? cudaSuccess : report(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device_error()) return report(device_error());
  if (device != 0) return report(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "Emulated GPU");
  std::snprintf(properties->uuid.bytes, sizeof properties->uuid.bytes, "process %d", getpid());
  properties->totalGlobalMem = Arena::instance().limit();
  properties->sharedMemPerBlock = kSharedPerBlock;
  properties->sharedMemPerBlockOptin = kSharedOptin;
  properties->sharedMemPerMultiprocessor = kSharedOptin + 1024;
  properties->regsPerBlock = 65536;
  properties->warpSize = warpSize;
  properties->maxThreadsPerBlock = kMaxThreads;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->major = 9;
  properties->multiProcessorCount = kMultiprocessors;
  properties->l2CacheSize = 50 << 20;
  properties->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device)) return error;
  const std::map<cudaDeviceAttr, int> values{
      {cudaDevAttrMaxThreadsPerBlock, properties.maxThreadsPerBlock},
      {cudaDevAttrMaxSharedMemoryPerBlock, static_cast<int>(properties.sharedMemPerBlock)},
      {cudaDevAttrWarpSize, properties.warpSize},
      {cudaDevAttrMaxRegistersPerBlock, properties.regsPerBlock},
      {cudaDevAttrMultiProcessorCount, properties.multiProcessorCount},
      {cudaDevAttrL2CacheSize, properties.l2CacheSize},
      {cudaDevAttrComputeCapabilityMajor, properties.major},
      {cudaDevAttrComputeCapabilityMinor, properties.minor},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, static_cast<int>(properties.sharedMemPerMultiprocessor)},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, static_cast<int>(properties.sharedMemPerBlockOptin)},
      {cudaDevAttrMemoryPoolsSupported, properties.memoryPoolsSupported}};
  const auto it = values.find(attribute);
  if (it == values.end()) return report(cudaErrorInvalidValue);
  *value = it->second;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  const bool old = device_error() == cudaErrorInsufficientDriver;
  *version = old ? 11040 : device_error() ? 0 : CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const std::lock_guard lock(mutex());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  Kernel& k = kernel_at(kernel);
  if (value < 0 || static_cast<std::size_t>(value) + k.static_bytes > kSharedOptin)
    return report(cudaErrorInvalidValue);
  k.allowed_dynamic = std::max(kSharedPerBlock, static_cast<std::size_t>(value) + k.static_bytes);
  return cudaSuccess;
}
