#include "apps/program/device.h"

#include <omp.h>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "ops/bf16_products.h"
#include "ops/gemm.h"
#include "tensor/error.h"
#include "tensor/threads.h"

namespace mininmt {
namespace {

cuda::Precision parse_precision(const std::string& name) {
  if (name == "float32") return cuda::Precision::kFloat32;
  if (name == "int8") throw UsageError("--precision int8 is for the CPU, and this is a GPU: leave it out");
  return name == "bf16" ? cuda::Precision::kBf16 : cuda::Precision::kTf32;
}

// Of the CPU. Throws UsageError.
WeightFormat parse_weights(const std::string& precision) {
  if (precision != "bf16" && precision != "int8") return WeightFormat::kFloat32;
  const WeightFormat format = precision == "bf16" ? WeightFormat::kBf16 : WeightFormat::kInt8;
  if (const std::string why = why_no_weights(format); !why.empty())
    throw UsageError(join("--precision ", precision, ": ", why, ": leave it out, or give float32"));
  return format;
}

}  // namespace

Device choose_device(const std::string& device, const std::string& precision, int threads, bool auto_rounds) {
  std::string no_gpu;
  if constexpr (kHasCuda) {
    if (device != "cpu") {
      std::string why;
      if (cuda::available(&why)) {
        cuda::set_precision(parse_precision(precision));
        const std::string products = precision == "auto" ? "tf32" : precision;
        return {.memory = &cuda::memory(),
                .description = "GPU: " + cuda::description() + ", products in " + products,
                .threads = 1,
                .products = products};
      }
      if (device == "cuda")
        throw Error("--device cuda: no GPU can be used: " + why + ". --device cpu does without");
      no_gpu = "; no GPU can be used: " + why;
    }
  } else if (device == "cuda") {
    throw UsageError(
        "--device cuda: this program was built without CUDA; cmake -DMININMT_CUDA=ON builds it in");
  }
  const std::string chosen = precision == "auto" && auto_rounds && why_no_bf16().empty() ? "bf16" : precision;
  const WeightFormat weights = parse_weights(chosen);
  const std::string products = weights == WeightFormat::kFloat32 ? "float32" : chosen;
  return {&cpu_memory(),
          join("CPU, ", threads, threads == 1 ? " thread" : " threads",
               weights == WeightFormat::kFloat32 ? "" : ", products in " + products, no_gpu),
          threads, weights, products};
}

void warm_up(const Device& device) {
  const int wanted = omp_get_max_threads();
  const Startable startable = startable_threads(wanted);
  if (startable.threads < wanted)
    throw Error(join("only ", startable.threads, " of ", wanted,
                     " threads can be started: ", startable.why_no_more, "; --cpu-threads ",
                     startable.threads, " starts no more than that"));
  start_threads();
  if (!device.memory->on_host()) return;
  try {
    prepare_gemm();
  } catch (const OutOfMemory& error) {  // smaller minibatches are no help here
    throw Error(
        join(error.what(), "; 'ulimit -v' shows a limit; a smaller --cpu-threads leaves more, a stack each"));
  }
}

}  // namespace mininmt
