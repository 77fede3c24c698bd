#include <cstdio>
#include <cstring>
#include <unordered_set>

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

// Blocks that are free again are handed out at once: whoever used them before and whoever uses them next do
// so on one stream, in this order.
class StreamPool final : public Pool {
 public:
  StreamPool(cudaStream_t stream, Keep keep) : Pool(keep), stream_(stream) {}
  bool owns(void* block) const { return blocks_.contains(block); }

 protected:
  void* from_system(std::size_t size) override {
    void* block = nullptr;
    const cudaError_t status = cudaMallocAsync(&block, size, stream_);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      return nullptr;
    }
    check(status, "cudaMallocAsync");
    blocks_.insert(block);
    return block;
  }
  void to_system(void* block, std::size_t) noexcept override {
    blocks_.erase(block);
    if (cudaFreeAsync(block, stream_) != cudaSuccess)
      std::fprintf(stderr, "mininmt: cudaFreeAsync: %s\n", cudaGetErrorString(cudaGetLastError()));
  }
  void poison(void* block, std::size_t size) override {
    check(cudaMemsetAsync(block, 0xff, size, stream_), "cudaMemsetAsync");
  }

 private:
  cudaStream_t stream_;
  std::unordered_set<void*> blocks_;
};

constexpr std::size_t kGuard = 256;  // bytes before and behind a guarded block
constexpr int kPattern = 0xa5;

// Memory of the host that the GPU reads without the host waiting. What from_host is given is copied here
// first; one half is filled while the GPU still reads the other.
class Staging {
 public:
  explicit Staging(cudaStream_t stream) : stream_(stream) {
    check(cudaMallocHost(reinterpret_cast<void**>(&bytes_), 2 * kHalf), "cudaMallocHost");
    for (cudaEvent_t& event : read_)
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  }

  void send(void* to, const void* from, std::size_t bytes) {
    for (std::size_t done = 0; done < bytes;) {
      const std::size_t piece = std::min(bytes - done, kHalf);
      if (used_ + piece > kHalf) switch_half();
      unsigned char* const place = bytes_ + half_ * kHalf + used_;
      std::memcpy(place, static_cast<const unsigned char*>(from) + done, piece);
      check(cudaMemcpyAsync(static_cast<unsigned char*>(to) + done, place, piece, cudaMemcpyHostToDevice,
                            stream_),
            "cudaMemcpyAsync");
      used_ = (used_ + piece + 15) / 16 * 16;
      done += piece;
    }
  }

 private:
  static constexpr std::size_t kHalf = 4 << 20;

  void switch_half() {
    check(cudaEventRecord(read_[half_], stream_), "cudaEventRecord");
    half_ = 1 - half_;
    used_ = 0;
    check(cudaEventSynchronize(read_[half_]), "cudaEventSynchronize");  // at once if never recorded
  }

  cudaStream_t stream_;
  unsigned char* bytes_ = nullptr;
  cudaEvent_t read_[2];
  std::size_t used_ = 0;
  int half_ = 0;
};

}  // namespace

struct DeviceMemory::Pools {
  Pools()
      : usual(context().stream, Keep::kWhileRoom),
        beside(new_stream()),
        recorded(beside, Keep::kAlways),
        staging(context().stream) {}

  static cudaStream_t new_stream() {
    cudaStream_t stream;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    return stream;
  }

  StreamPool usual;
  // A stream that is being recorded cannot allocate: blocks for recordings come by way of another. What is
  // free among them stands in recordings and must stay.
  cudaStream_t beside;
  StreamPool recorded;
  bool recording = false;
  Staging staging;
  bool guards = false;
  std::int64_t violations = 0;
};

DeviceMemory::DeviceMemory() : pools_(std::make_unique<Pools>()) {
  // Blocks that are given back stay with the process: taking them from the driver again is slow.
  cudaMemPool_t pool;
  check(cudaDeviceGetDefaultMemPool(&pool, 0), "cudaDeviceGetDefaultMemPool");
  std::uint64_t all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all), "cudaMemPoolSetAttribute");
}

DeviceMemory::~DeviceMemory() = default;

void* DeviceMemory::allocate(std::size_t bytes) {
  Pools& p = *pools_;
  if (p.recording) {
    const std::size_t before = p.recorded.reserved();
    void* const block = p.recorded.allocate(bytes);
    if (p.recorded.reserved() != before) check(cudaStreamSynchronize(p.beside), "cudaStreamSynchronize");
    return block;
  }
  if (!p.guards) return p.usual.allocate(bytes);
  auto* const raw = static_cast<unsigned char*>(p.usual.allocate(bytes + 2 * kGuard));
  const cudaStream_t stream = context().stream;
  check(cudaMemsetAsync(raw, kPattern, bytes + 2 * kGuard, stream), "cudaMemsetAsync");
  check(cudaMemsetAsync(raw + kGuard, 0xff, bytes, stream), "cudaMemsetAsync");
  return raw + kGuard;
}

void DeviceMemory::release(void* block, std::size_t bytes) noexcept {
  Pools& p = *pools_;
  if (p.recorded.owns(block)) return p.recorded.release(block, bytes);
  if (!p.guards) return p.usual.release(block, bytes);
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
  p.usual.release(raw, bytes + 2 * kGuard);
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
  if (pools_->recording) throw Error("[from_host] nothing can be sent to the GPU while work is recorded");
  pools_->staging.send(to, host, bytes);
}

void DeviceMemory::to_host(void* host, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, context().stream), "cudaMemcpyAsync");
  synchronize();
}

void DeviceMemory::trim() noexcept { pools_->usual.trim(); }

std::size_t DeviceMemory::in_use() const { return pools_->usual.in_use() + pools_->recorded.in_use(); }

std::size_t DeviceMemory::reserved() const { return pools_->usual.reserved() + pools_->recorded.reserved(); }

void DeviceMemory::set_guards(bool on) { pools_->guards = on; }

std::int64_t DeviceMemory::violations() const { return pools_->violations; }

// Never destroyed, as the context.
DeviceMemory& memory() {
  static DeviceMemory* const instance = new DeviceMemory;
  return *instance;
}

struct Recording::Graph {
  cudaGraphExec_t exec = nullptr;
  std::size_t nodes = 0;

  ~Graph() {
    if (exec && cudaGraphExecDestroy(exec) != cudaSuccess)
      std::fprintf(stderr, "mininmt: cudaGraphExecDestroy: %s\n", cudaGetErrorString(cudaGetLastError()));
  }
};

Recording::Recording(const std::function<void()>& work) : graph_(std::make_unique<Graph>()) {
  const cudaStream_t stream = context().stream;
  DeviceMemory::Pools& pools = *memory().pools_;
  cudaGraph_t graph = nullptr;
  // "Relaxed": only work on this stream is recorded, and the pool may allocate beside it.
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  pools.recording = true;
  try {
    work();
  } catch (...) {
    pools.recording = false;
    cudaStreamEndCapture(stream, &graph);  // what failed is on its way already
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // or CUB finds it, and takes it for its own
    throw;
  }
  pools.recording = false;
  check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  const cudaError_t status = cudaGraphInstantiate(&graph_->exec, graph, 0);
  cudaGraphGetNodes(graph, nullptr, &graph_->nodes);
  cudaGraphDestroy(graph);
  check(status, "cudaGraphInstantiate");
}

Recording::~Recording() = default;
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;

void Recording::run() const { check(cudaGraphLaunch(graph_->exec, context().stream), "cudaGraphLaunch"); }

std::size_t Recording::nodes() const { return graph_->nodes; }

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
