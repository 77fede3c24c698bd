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
  if constexpr (kHasCuda) {
    std::string why;
    const bool available = device != "cpu" && cuda::available(&why);
    if (device == "cuda" && !available)
      throw Error("--device cuda: no GPU can be used: " + why + ". --device cpu does without");
    if (available) {
      cuda::set_precision(parse_precision(precision));
      return {&cuda::memory(), "GPU: " + cuda::description() + ", products in " + precision, 1};
    }
  } else if (device == "cuda") {
    throw UsageError(
        "--device cuda: this program was built without CUDA; cmake -DMININMT_CUDA=ON builds it in");
  }
  return {&cpu_memory(), join("CPU, ", threads, threads == 1 ? " thread" : " threads"), threads};
}

}  // namespace mininmt
