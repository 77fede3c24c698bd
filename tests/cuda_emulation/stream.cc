#include "tests/cuda_emulation/stream.h"

#include <algorithm>
#include <random>

#include "cuda_runtime_api.h"
#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/internal.h"

namespace mininmt::emulation {
namespace {

constexpr std::size_t kLongestQueue = 200'000;

CUstream_st* default_stream() {
  static auto* const stream = new CUstream_st;
  return stream;
}

// In order of creation.
std::vector<CUstream_st*>& made_streams() {
  static auto* const streams = new std::vector<CUstream_st*>;
  return *streams;
}

CUstream_st* get(cudaStream_t stream) { return stream ? stream : default_stream(); }

std::vector<CUstream_st*> all_streams() {
  std::vector<CUstream_st*> streams = made_streams();
  streams.insert(streams.begin(), default_stream());
  static auto* const random = new std::mt19937_64(2);
  if (order() == Order::kReverse) std::reverse(streams.begin(), streams.end());
  if (order() == Order::kShuffle) std::shuffle(streams.begin(), streams.end(), *random);
  return streams;
}

void push(CUstream_st* stream, Operation operation) {
  stream->queue.push_back(std::move(operation));
  ++stream->enqueued;
}

void push_wait(CUstream_st* stream, CUstream_st* other) {
  if (other == stream || other->executed == other->enqueued) return;
  push(stream, [other, position = other->enqueued] { drain_until(other, position); });
}

// The default stream waits for the work in all blocking streams, and they wait for it.
void wait_for_default_stream(CUstream_st* stream) {
  if (!stream->blocking) return;
  if (stream != default_stream()) return push_wait(stream, default_stream());
  for (CUstream_st* const other : made_streams())
    if (other->blocking) push_wait(stream, other);
}

bool any_capture() {
  return std::any_of(made_streams().begin(), made_streams().end(),
                     [](const CUstream_st* s) { return s->capture != nullptr; });
}

}  // namespace

Capture* capture_of(cudaStream_t stream) { return get(stream)->capture.get(); }

std::uint64_t position_of(cudaStream_t stream) { return get(stream)->enqueued; }

bool is_stream(cudaStream_t stream) {
  const auto& all = made_streams();
  return !stream || std::find(all.begin(), all.end(), stream) != all.end();
}

cudaError_t enqueue(cudaStream_t stream, Operation operation) {
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  CUstream_st* const s = get(stream);
  if (Capture* const capture = s->capture.get()) {
    if (capture->invalidated) return report(cudaErrorStreamCaptureInvalidated);
    capture->operations->push_back(std::move(operation));
    return cudaSuccess;
  }
  if (!stream && any_capture()) return report(cudaErrorStreamCaptureImplicit);
  wait_for_default_stream(s);
  push(s, std::move(operation));
  if (s->queue.size() > kLongestQueue) drain(stream);
  return cudaSuccess;
}

void drain_until(cudaStream_t stream, std::uint64_t position) {
  CUstream_st* const s = get(stream);
  if (s->executed >= position) return;
  const Access access;
  while (s->executed < position) {
    const Operation operation = std::move(s->queue.front());
    s->queue.pop_front();
    ++s->executed;
    operation();
    set_running("");
  }
}

void drain(cudaStream_t stream) {
  CUstream_st* const s = get(stream);
  if (!stream)
    for (CUstream_st* const other : made_streams())
      if (other->blocking) drain_until(other, other->enqueued);
  drain_until(s, s->enqueued);
}

void drain_all() {
  for (CUstream_st* const stream : all_streams()) drain_until(stream, stream->enqueued);
}

cudaError_t forbid_in_capture() {
  bool found = false;
  for (CUstream_st* const stream : made_streams()) {
    Capture* const c = stream->capture.get();
    if (!c || c->mode == cudaStreamCaptureModeRelaxed) continue;
    if (c->mode == cudaStreamCaptureModeThreadLocal && c->thread != std::this_thread::get_id()) continue;
    c->invalidated = found = true;
  }
  return found ? report(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

namespace {

// The start of every call that waits for one stream.
cudaError_t wait_for(cudaStream_t stream) {
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  if (Capture* const capture = capture_of(stream)) {
    capture->invalidated = true;
    return report(cudaErrorStreamCaptureUnsupported);
  }
  if (!stream)
    if (const cudaError_t error = forbid_in_capture()) return error;
  drain(stream);
  return cudaSuccess;
}

}  // namespace
}  // namespace mininmt::emulation

using namespace mininmt::emulation;

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (!stream || flags > cudaStreamNonBlocking) return report(cudaErrorInvalidValue);
  *stream = new CUstream_st;
  (*stream)->blocking = flags != cudaStreamNonBlocking;
  made_streams().push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (!stream || !is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  drain(stream);
  std::erase(made_streams(), stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return wait_for(stream);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  return wait_for(stream);
}

cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (any_capture()) {
    for (CUstream_st* const stream : made_streams())
      if (stream->capture) stream->capture->invalidated = true;
    return report(cudaErrorStreamCaptureUnsupported);
  }
  drain_all();
  return cudaSuccess;
}
