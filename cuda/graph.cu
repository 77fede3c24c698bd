// Captured graphs, and asynchronous readback.
#include "cuda/pools.cuh"

namespace mininmt::cuda {

struct Graph::Impl {
  cudaGraphExec_t exec = nullptr;
  std::size_t nodes = 0;
  std::unordered_set<void*> blocks;  // the shared blocks that the graph uses

  ~Impl() {
    for (void* const block : blocks) memory().pools_->shared.add_graphs(block, -1);
    if (exec) say_failure(cudaGraphExecDestroy(exec), "cudaGraphExecDestroy");
  }
};

namespace {

// What `work` launches on the stream, and the blocks it allocates.
cudaGraph_t capture(const std::function<void()>& work, std::unordered_set<void*>*& capturing,
                    std::unordered_set<void*>& blocks) {
  const cudaStream_t stream = context().stream;
  cudaGraph_t graph = nullptr;
  // "Relaxed": only this stream is captured, and the pool may allocate meanwhile.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  capturing = &blocks;
  try {
    work();
  } catch (...) {
    capturing = nullptr;
    cudaStreamEndCapture(stream, &graph);  // the original error is already being thrown
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // otherwise CUB would report it as its own
    throw;
  }
  capturing = nullptr;
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  return graph;
}

}  // namespace

Graph::Graph(const std::function<void()>& work) : impl_(std::make_unique<Impl>()) {
  DeviceMemory::Pools& pools = *memory().pools_;
  std::unordered_set<void*> blocks;
  const cudaGraph_t graph = capture(work, pools.capturing, blocks);
  const cudaError_t status = cudaGraphInstantiate(&impl_->exec, graph, 0);
  cudaGraphGetNodes(graph, nullptr, &impl_->nodes);
  cudaGraphDestroy(graph);
  check(status, "cudaGraphInstantiate");
  check(cudaGraphUpload(impl_->exec, context().stream), "cudaGraphUpload");  // out of memory shows here
  for (void* const block : blocks) pools.shared.add_graphs(block, 1);
  impl_->blocks = std::move(blocks);
}

Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

void Graph::run() const {
  memory().pools_->check_released(impl_->blocks);
  check(cudaGraphLaunch(impl_->exec, context().stream), "cudaGraphLaunch");
}

std::size_t Graph::nodes() const { return impl_->nodes; }

struct Readback::Impl {
  std::size_t bytes;
  void* host = nullptr;
  cudaEvent_t arrived = nullptr;
};

Readback::Readback(std::size_t bytes) : impl_(std::make_unique<Impl>()) {
  impl_->bytes = bytes;
  check(cudaMallocHost(&impl_->host, bytes), "cudaMallocHost");
  check(cudaEventCreateWithFlags(&impl_->arrived, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

Readback::~Readback() {
  if (impl_->arrived) cudaEventDestroy(impl_->arrived);
  if (impl_->host) cudaFreeHost(impl_->host);
}

void Readback::start(const void* device) {
  const cudaStream_t stream = context().stream;
  check(cudaMemcpyAsync(impl_->host, device, impl_->bytes, cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync");
  check(cudaEventRecord(impl_->arrived, stream), "cudaEventRecord");
}

bool Readback::ready() const {
  const cudaError_t status = cudaEventQuery(impl_->arrived);
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  check(status, "cudaEventQuery");
  return true;
}

const void* Readback::wait() const {
  check(cudaEventSynchronize(impl_->arrived), "cudaEventSynchronize");
  return impl_->host;
}

}  // namespace mininmt::cuda
