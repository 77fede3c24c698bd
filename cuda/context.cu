#include "cuda/context.cuh"

#include <sstream>

namespace mininmt::cuda {
namespace {

// cuBLAS's workspace. With its own block, a stream's products are the same to the bit from run to run,
// captured or not.
constexpr std::size_t kWorkspace = 32 << 20;

Precision chosen = Precision::kTf32;
int chosen_device = 0;

__global__ void do_nothing() {}

// Throws Error if the driver finds no GPU.
void check_driver() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return;
  cudaGetLastError();
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0) throw Error("no NVIDIA driver is installed");
  if (status == cudaErrorInsufficientDriver)
    throw Error(join("the NVIDIA driver is older than this program's CUDA: it serves CUDA ", driver / 1000,
                     ".", driver % 1000 / 10));
  throw Error(status == cudaSuccess ? "there is none" : cudaGetErrorString(status));
}

cudaDeviceProp properties_of_device() {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, chosen_device), "cudaGetDeviceProperties");
  return properties;
}

// Acquires the GPU; throws Error if another program holds it exclusively.
cudaDeviceProp take_device() {
  const cudaError_t status = cudaSetDevice(chosen_device);
  if (status == cudaErrorDevicesUnavailable) {
    cudaGetLastError();
    throw Error("it is busy or its compute mode is exclusive, and another program has it");
  }
  check(status, "cudaSetDevice");
  const cudaDeviceProp properties = properties_of_device();
  if (!properties.memoryPoolsSupported) throw Error("it or its driver is too old for pools of memory");
  return properties;
}

// Runs a kernel, to check that the program has code for this GPU.
void check_kernels(cudaStream_t stream, const cudaDeviceProp& properties) {
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.stream = stream;
  const cudaError_t status = cudaLaunchKernelEx(&config, do_nothing);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction ||
      status == cudaErrorUnsupportedPtxVersion) {
    cudaGetLastError();
    throw Error(join("this program was built for other GPUs than ", properties.name, ", compute capability ",
                     properties.major, ".", properties.minor, "; CMAKE_CUDA_ARCHITECTURES says for which"));
  }
  check(status, "do_nothing");
  check(cudaStreamSynchronize(stream), "do_nothing");
}

void fill_context(Context& c) {
  const cudaDeviceProp properties = take_device();
  c.multiprocessors = properties.multiProcessorCount;
  check(cudaStreamCreateWithFlags(&c.stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  check_kernels(c.stream, properties);
  check(cudaMalloc(&c.workspace, kWorkspace), "cudaMalloc");
  check(cublasCreate(&c.cublas), "cublasCreate");
  check(cublasSetStream(c.cublas, c.stream), "cublasSetStream");
  check(cublasSetWorkspace(c.cublas, c.workspace, kWorkspace), "cublasSetWorkspace");
}

Context make_context() {
  check_driver();
  Context c{};
  try {
    fill_context(c);
  } catch (...) {
    if (c.workspace) cudaFree(c.workspace);
    if (c.stream) cudaStreamDestroy(c.stream);
    cudaGetLastError();
    throw;
  }
  return c;
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears the error, which a later call would report
  const std::string text =
      join("[", what, "] CUDA: ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(text);
  throw Error(text);
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string text = join("[", what, "] cuBLAS: ", cublasGetStatusString(status));
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfMemory(text);
  throw Error(text);
}

// Tests by trying: the context, cuBLAS, a kernel, the pool and pinned memory.
bool available(std::string* why) {
  try {
    check_driver();
    memory();
    return true;
  } catch (const Error& e) {
    if (why) *why = e.what();
    return false;
  }
}

std::string description() {
  context();
  const cudaDeviceProp properties = properties_of_device();
  int runtime = 0;
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return join(properties.name, ", compute capability ", properties.major, ".", properties.minor, ", ",
              properties.totalGlobalMem >> 30, " GiB, CUDA ", runtime / 1000, ".", runtime % 1000 / 10);
}

// Processes of one machine take one GPU after the other. Where the launcher gives each its own, a process sees
// only that.
void choose_device_of(int process) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) return;  // context() says why
  chosen_device = process % count;
}

std::string device_id() {
  context();
  const cudaDeviceProp properties = properties_of_device();
  return {properties.uuid.bytes, sizeof properties.uuid.bytes};
}

// Never destroyed: tensors in statics may outlive main, and the driver may be gone by then.
Context& context() {
  static Context* const instance = new Context(make_context());
  return *instance;
}

void synchronize() { check(cudaStreamSynchronize(context().stream), "cudaStreamSynchronize"); }

void set_precision(Precision precision) { chosen = precision; }

Precision precision() { return chosen; }

}  // namespace mininmt::cuda
