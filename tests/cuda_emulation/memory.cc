#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "cuda_runtime_api.h"
#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"

using namespace mininmt::emulation;

namespace {

struct Rows {
  std::size_t width;  // bytes
  std::size_t height;
  std::size_t to_pitch;
  std::size_t from_pitch;
  std::size_t to_bytes() const { return (height - 1) * to_pitch + width; }
  std::size_t from_bytes() const { return (height - 1) * from_pitch + width; }
};

void copy_rows(void* to, const void* from, const Rows& rows) {
  set_running("a copy");
  for (std::size_t y = 0; y < rows.height; ++y)
    std::memmove(static_cast<char*>(to) + y * rows.to_pitch,
                 static_cast<const char*>(from) + y * rows.from_pitch, rows.width);
  ++executed().copies;
}

bool on_host(Place place) { return place == Place::kHost || place == Place::kPinned; }
bool on_device(Place place) { return place == Place::kDevice; }

bool fits(cudaMemcpyKind kind, Place to, Place from) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return on_host(to) && on_host(from);
    case cudaMemcpyHostToDevice:
      return on_device(to) && on_host(from);
    case cudaMemcpyDeviceToHost:
      return on_host(to) && on_device(from);
    case cudaMemcpyDeviceToDevice:
      return on_device(to) && on_device(from);
    case cudaMemcpyDefault:
      return to != Place::kFreedDevice && from != Place::kFreedDevice;
  }
  return false;
}

// Pageable memory is read now, as by the driver, except during capture.
cudaError_t copy(void* to, const void* from, const Rows& rows, cudaMemcpyKind kind, cudaStream_t stream) {
  if (rows.width == 0 || rows.height == 0) return cudaSuccess;
  if (rows.width > rows.to_pitch || rows.width > rows.from_pitch) return report(cudaErrorInvalidPitchValue);
  const Place target = Arena::instance().place(to, rows.to_bytes());
  const Place source = Arena::instance().place(from, rows.from_bytes());
  if (!to || !from || !fits(kind, target, source)) return report(cudaErrorInvalidValue);
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  if (source != Place::kHost || capture_of(stream))
    return enqueue(stream, [=] { copy_rows(to, from, rows); });
  const auto* const first = static_cast<const char*>(from);
  const auto staged = std::make_shared<const std::vector<char>>(first, first + rows.from_bytes());
  return enqueue(stream, [=] { copy_rows(to, staged->data(), rows); });
}

cudaError_t fill(void* address, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (Arena::instance().place(address, bytes) != Place::kDevice) return report(cudaErrorInvalidValue);
  return enqueue(stream, [=] {
    set_running("cudaMemset");
    std::memset(address, value, bytes);
    ++executed().fills;
  });
}

// If there is no room, waits for queued frees.
void* reserve(std::size_t bytes, bool pooled) {
  void* address = Arena::instance().reserve(bytes, pooled);
  if (address) return address;
  drain_all();
  return Arena::instance().reserve(bytes, pooled);
}

cudaError_t invalidate(cudaStream_t stream) {
  capture_of(stream)->invalidated = true;
  return report(cudaErrorStreamCaptureUnsupported);
}

}  // namespace

cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (const cudaError_t error = forbid_in_capture()) return error;
  if (!address) return report(cudaErrorInvalidValue);
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  *address = reserve(bytes, false);
  if (!*address) return report(cudaErrorMemoryAllocation);
  Arena::instance().commit(*address);
  return cudaSuccess;
}

cudaError_t cudaFree(void* address) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  if (!address) return cudaSuccess;
  if (!Arena::instance().mark_freed(address)) return report(cudaErrorInvalidValue);
  drain_all();
  Arena::instance().release(address);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** address, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (!address || !is_stream(stream)) return report(cudaErrorInvalidValue);
  if (capture_of(stream)) return invalidate(stream);
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  void* const start = reserve(bytes, true);
  if (!start) return report(cudaErrorMemoryAllocation);
  *address = start;
  return enqueue(stream, [start] { Arena::instance().commit(start); });
}

cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (!address) return cudaSuccess;
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  if (capture_of(stream)) return invalidate(stream);
  if (!Arena::instance().mark_freed(address)) return report(cudaErrorInvalidValue);
  return enqueue(stream, [address] { Arena::instance().release(address); });
}

cudaError_t cudaMallocHost(void** address, std::size_t bytes) { return cudaHostAlloc(address, bytes, 0); }

cudaError_t cudaHostAlloc(void** address, std::size_t bytes, unsigned) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (const cudaError_t error = call_error("cudaMallocHost")) return report(error);
  if (const cudaError_t error = forbid_in_capture()) return error;
  if (!address) return report(cudaErrorInvalidValue);
  *address = bytes == 0 ? nullptr : Arena::instance().allocate_pinned(bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* address) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  if (!address) return cudaSuccess;
  drain_all();
  return Arena::instance().free_pinned(address) ? cudaSuccess : report(cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  *total = Arena::instance().limit();
  *free = *total - std::min(*total, Arena::instance().used() + Arena::instance().pool_free());
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (!pool || device != 0) return report(cudaErrorInvalidValue);
  static char only;
  *pool = reinterpret_cast<cudaMemPool_t>(&only);
  return cudaSuccess;
}

// Here the threshold is all or nothing.
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard lock(mutex());
  if (!pool || !value) return report(cudaErrorInvalidValue);
  if (attribute == cudaMemPoolAttrReleaseThreshold)
    Arena::instance().keep_freed(*static_cast<std::uint64_t*>(value) > 0);
  return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const std::lock_guard lock(mutex());
  if (!pool || !value) return report(cudaErrorInvalidValue);
  const Arena& arena = Arena::instance();
  auto& number = *static_cast<std::uint64_t*>(value);
  if (attribute == cudaMemPoolAttrReservedMemCurrent)
    number = arena.pool_used() + arena.pool_free();
  else if (attribute == cudaMemPoolAttrUsedMemCurrent)
    number = arena.pool_used();
  else
    return report(cudaErrorNotSupported);
  return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t bytes_to_keep) {
  const std::lock_guard lock(mutex());
  if (!pool) return report(cudaErrorInvalidValue);
  Arena::instance().trim_pool(bytes_to_keep);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  if (const cudaError_t error = copy(to, from, {bytes, 1, bytes, bytes}, kind, nullptr)) return error;
  drain(nullptr);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return copy(to, from, {bytes, 1, bytes, bytes}, kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return copy(to, from, {width, height, to_pitch, from_pitch}, kind, stream);
}

cudaError_t cudaMemset(void* address, int value, std::size_t bytes) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  return fill(address, value, bytes, nullptr);
}

cudaError_t cudaMemsetAsync(void* address, int value, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return fill(address, value, bytes, stream);
}
