#include "apps/program/device.h"

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

cuda::Precision parse_precision(const std::string& name) {
  if (name == "float32") return cuda::Precision::kFloat32;
  return name == "bf16" ? cuda::Precision::kBf16 : cuda::Precision::kTf32;
}

}  // namespace

Device choose_device(const std::string& device, const std::string& precision, int threads) {
  std::string no_gpu;
  if constexpr (kHasCuda) {
    if (device != "cpu") {
      std::string why;
      if (cuda::available(&why)) {
        cuda::set_precision(parse_precision(precision));
        return {&cuda::memory(), "GPU: " + cuda::description() + ", products in " + precision, 1};
      }
      if (device == "cuda")
        throw Error("--device cuda: no GPU can be used: " + why + ". --device cpu does without");
      no_gpu = "; no GPU can be used: " + why;
    }
  } else if (device == "cuda") {
    throw UsageError(
        "--device cuda: this program was built without CUDA; cmake -DMININMT_CUDA=ON builds it in");
  }
  return {&cpu_memory(), join("CPU, ", threads, threads == 1 ? " thread" : " threads", no_gpu), threads};
}

}  // namespace mininmt
