// Where the programs compute: --device and --precision.
#pragma once

#include <string>

#include "tensor/memory.h"

namespace mininmt {

struct Device {
  Memory* memory;
  std::string description;  // "CPU, 8 threads", "GPU: NVIDIA H100 ..., products in tf32"; one line
  int threads;              // that share the work among them: 1 on the GPU
};

// device: cpu, cuda, or auto, which is cuda where the build has it and a GPU can be used, else cpu; the
// description then says why. precision: float32, tf32 or bf16. threads: of the CPU. Throws UsageError for
// cuda without CUDA in the build, Error with the reason where no GPU can be used.
Device choose_device(const std::string& device, const std::string& precision, int threads);

}  // namespace mininmt
