// Streams: queues of operations that are executed when something waits for them, or recorded into a graph.
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

// Executed with device memory open. A graph executes it several times.
using Operation = std::function<void()>;

struct Capture {
  std::shared_ptr<std::vector<Operation>> operations;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  bool invalidated = false;
};

// What an event stands for since its last cudaEventRecord.
struct Recorded {
  cudaStream_t stream;
  std::uint64_t position;  // executed up to here: the event has happened
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

// Adds the operation to the stream's queue, or to the graph that the stream records.
cudaError_t enqueue(cudaStream_t stream, Operation operation);

bool is_stream(cudaStream_t stream);
std::uint64_t position_of(cudaStream_t stream);  // of what was queued last
// The graph that the stream is capturing; nullptr if there is none.
Capture* capture_of(cudaStream_t stream);

// Executes what is queued: in one stream, also up to a position; for the default stream, in all streams that
// wait for it; everywhere.
void drain(cudaStream_t stream);
void drain_until(cudaStream_t stream, std::uint64_t position);
void drain_all();

// Calls that may not be made while anything is recorded (in the modes "global" and "thread local"). Makes the
// captures invalid and returns cudaErrorStreamCaptureUnsupported if there is one.
cudaError_t forbid_in_capture();

}  // namespace mininmt::emulation

struct CUstream_st {
  bool blocking = true;  // waits for the default stream and is waited for by it
  std::uint64_t enqueued = 0;
  std::uint64_t executed = 0;
  std::deque<mininmt::emulation::Operation> queue;
  std::unique_ptr<mininmt::emulation::Capture> capture;
};

struct CUevent_st {
  bool timing = true;
  bool captured = false;  // recorded inside a graph: it cannot be waited for by the host
  std::shared_ptr<mininmt::emulation::Recorded> recorded;
};

struct CUgraph_st {
  std::shared_ptr<std::vector<mininmt::emulation::Operation>> operations;
};

struct CUgraphExec_st {
  std::shared_ptr<const std::vector<mininmt::emulation::Operation>> operations;
  std::size_t bytes;  // of the device's memory
};
