// Streams: queues of operations, executed when something waits for them, or captured into a graph.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "emulated/types.h"

namespace mininmt::emulation {

// Executed with device memory accessible. A graph executes it several times.
using Operation = std::function<void()>;

struct Capture {
  std::shared_ptr<std::vector<Operation>> operations;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool invalidated = false;
};

// The state of an event since its last cudaEventRecord.
struct Recorded {
  cudaStream_t stream;
  std::uint64_t position;  // the event has happened once this is executed
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

// Adds the operation to the stream's queue, or to the graph being captured.
cudaError_t enqueue(cudaStream_t stream, Operation operation);

bool is_stream(cudaStream_t stream);
std::uint64_t position_of(cudaStream_t stream);  // of the last operation queued
// The graph being captured on the stream, or nullptr.
Capture* capture_of(cudaStream_t stream);

// Executes queued work: in one stream, optionally up to a position; for the default stream, in all streams
// that wait for it; everywhere.
void drain(cudaStream_t stream);
void drain_until(cudaStream_t stream, std::uint64_t position);
void drain_all();

// Calls that are not allowed during capture (modes "global" and "thread local"). If a capture is active,
// invalidates it and returns cudaErrorStreamCaptureUnsupported.
cudaError_t forbid_in_capture();

}  // namespace mininmt::emulation

struct CUstream_st {
  bool blocking = true;  // synchronizes with the default stream
  std::uint64_t enqueued = 0;
  std::uint64_t executed = 0;
  std::deque<mininmt::emulation::Operation> queue;
  std::unique_ptr<mininmt::emulation::Capture> capture;
};

struct CUevent_st {
  bool timing = true;
  bool captured = false;  // recorded during capture: the host cannot wait for it
  std::shared_ptr<mininmt::emulation::Recorded> recorded;
};

struct CUgraph_st {
  std::shared_ptr<std::vector<mininmt::emulation::Operation>> operations;
};

struct CUgraphExec_st {
  std::shared_ptr<const std::vector<mininmt::emulation::Operation>> operations;
  std::size_t bytes;  // of device memory
};
