#include "cuda_runtime_api.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"

using namespace mininmt::emulation;

namespace {

cudaError_t wait_for(cudaEvent_t event) {
  if (!event) return report(cudaErrorInvalidResourceHandle);
  if (event->captured) return report(cudaErrorCapturedEvent);
  if (event->recorded && !event->recorded->done)
    drain_until(event->recorded->stream, event->recorded->position);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = device_error()) return report(error);
  if (!event || flags > (cudaEventBlockingSync | cudaEventDisableTiming))
    return report(cudaErrorInvalidValue);
  *event = new CUevent_st;
  (*event)->timing = !(flags & cudaEventDisableTiming);
  return cudaSuccess;
}

// During capture an event only orders work, and a graph here runs in capture order.
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (!event || !is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  event->captured = capture_of(stream) != nullptr;
  if (event->captured) return cudaSuccess;
  const auto recorded = std::make_shared<Recorded>();
  const cudaError_t error = enqueue(stream, [recorded] {
    recorded->done = true;
    recorded->time = std::chrono::steady_clock::now();
  });
  if (error) return error;
  recorded->stream = stream;
  recorded->position = position_of(stream);
  event->recorded = recorded;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  return wait_for(event);
}

// Executes what the event waits for, so that a polling loop ends.
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t error = forbid_in_capture()) return error;
  return wait_for(event);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const std::lock_guard lock(mutex());
  if (!start || !end || !start->timing || !end->timing || !start->recorded || !end->recorded)
    return report(cudaErrorInvalidResourceHandle);
  if (!start->recorded->done || !end->recorded->done) return report(cudaErrorNotReady);
  const std::chrono::duration<float, std::milli> time = end->recorded->time - start->recorded->time;
  *milliseconds = time.count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(mutex());
  if (!event) return report(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(mutex());
  if (!event || !is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  const bool capturing = capture_of(stream) != nullptr;
  if (capturing != event->captured) return report(cudaErrorStreamCaptureIsolation);
  if (capturing || !event->recorded) return cudaSuccess;
  return enqueue(stream, [recorded = event->recorded] {
    if (!recorded->done) drain_until(recorded->stream, recorded->position);
  });
}
