#include "cuda_runtime_api.h"
#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"

using namespace mininmt::emulation;

namespace {
std::size_t bytes_of_graph = 0;
}

void mininmt::emulation::set_graph_bytes(std::size_t bytes) { bytes_of_graph = bytes; }

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const std::lock_guard lock(mutex());
  if (!stream) return report(cudaErrorStreamCaptureUnsupported);
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  if (stream->capture) return report(cudaErrorIllegalState);
  stream->capture = std::make_unique<Capture>();
  stream->capture->operations = std::make_shared<std::vector<Operation>>();
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(mutex());
  if (!stream || !is_stream(stream) || !graph) return report(cudaErrorInvalidValue);
  *graph = nullptr;
  if (!stream->capture) return report(cudaErrorIllegalState);
  if (stream->capture->mode != cudaStreamCaptureModeRelaxed &&
      stream->capture->thread != std::this_thread::get_id())
    return report(cudaErrorStreamCaptureWrongThread);
  const std::unique_ptr<Capture> capture = std::move(stream->capture);
  if (capture->invalidated) return report(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st{capture->operations};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const std::lock_guard lock(mutex());
  if (!is_stream(stream) || !status) return report(cudaErrorInvalidValue);
  const Capture* const capture = capture_of(stream);
  *status = !capture               ? cudaStreamCaptureStatusNone
            : capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                   : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const std::lock_guard lock(mutex());
  if (!executable || !graph) return report(cudaErrorInvalidValue);
  if (const cudaError_t error = call_error("cudaGraphInstantiate")) return report(error);
  if (!Arena::instance().take(bytes_of_graph)) return report(cudaErrorMemoryAllocation);
  *executable = new CUgraphExec_st{graph->operations, bytes_of_graph};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (!executable) return report(cudaErrorInvalidValue);
  return enqueue(stream, [operations = executable->operations] {
    ++executed().graph_launches;
    for (const Operation& operation : *operations) operation();
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream) {
  return executable && is_stream(stream) ? cudaSuccess : report(cudaErrorInvalidValue);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  if (!graph) return report(cudaErrorInvalidValue);
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const std::lock_guard lock(mutex());
  if (!executable) return report(cudaErrorInvalidValue);
  Arena::instance().give(executable->bytes);
  delete executable;
  return cudaSuccess;
}

// Only their number: the handles are meaningless here.
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (!graph || !count) return report(cudaErrorInvalidValue);
  if (nodes) return report(cudaErrorNotSupported);
  *count = graph->operations->size();
  return cudaSuccess;
}
