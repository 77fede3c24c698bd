#include "cuda/context.cuh"

#include <sstream>

namespace mininmt::cuda {
namespace {

// cuBLAS takes its scratch memory from here: with a block of its own a stream's products are the same to the
// bit from run to run, recorded or not.
constexpr std::size_t kWorkspace = 32 << 20;

Precision chosen = Precision::kTf32;

Context make_context() {
  std::string why;
  if (!available(&why)) throw Error("no GPU can be used: " + why);
  Context c{};
  check(cudaSetDevice(0), "cudaSetDevice");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  c.multiprocessors = properties.multiProcessorCount;
  check(cudaStreamCreateWithFlags(&c.stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  check(cublasCreate(&c.cublas), "cublasCreate");
  check(cublasSetStream(c.cublas, c.stream), "cublasSetStream");
  void* workspace = nullptr;
  check(cudaMalloc(&workspace, kWorkspace), "cudaMalloc");
  check(cublasSetWorkspace(c.cublas, workspace, kWorkspace), "cublasSetWorkspace");
  return c;
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // a launch leaves its error there for the next call to find
  throw Error(join("[", what, "] CUDA: ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")"));
}

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error(join("[", what, "] cuBLAS: ", cublasGetStatusString(status)));
}

bool available(std::string* why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return true;
  cudaGetLastError();
  if (!why) return false;
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0)
    *why = "no NVIDIA driver is installed";
  else if (status == cudaErrorInsufficientDriver)
    *why = join("the NVIDIA driver is older than this program's CUDA: it serves CUDA ", driver / 1000, ".",
                driver % 1000 / 10);
  else
    *why = status == cudaSuccess ? "there is none" : cudaGetErrorString(status);
  return false;
}

std::string description() {
  context();
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  int runtime = 0;
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return join(properties.name, ", compute capability ", properties.major, ".", properties.minor, ", ",
              properties.totalGlobalMem >> 30, " GiB, CUDA ", runtime / 1000, ".", runtime % 1000 / 10);
}

// Never destroyed: tensors in other statics may outlive main, and the driver may be gone by then.
Context& context() {
  static Context* const instance = new Context(make_context());
  return *instance;
}

std::size_t free_bytes() {
  context();
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

void synchronize() { check(cudaStreamSynchronize(context().stream), "cudaStreamSynchronize"); }

void set_precision(Precision precision) { chosen = precision; }

Precision precision() { return chosen; }

}  // namespace mininmt::cuda
