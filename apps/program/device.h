// The device of the programs: --device and --precision.
#pragma once

#include <string>

#include "ops/packed_weights.h"
#include "tensor/memory.h"

namespace mininmt {

struct Device {
  Memory* memory;
  std::string description;  // "CPU, 8 threads", "GPU: NVIDIA H100 ..., products in tf32"; one line
  int threads;              // worker threads: 1 on the GPU
  WeightFormat weights = WeightFormat::kFloat32;  // on the CPU: how products round
  std::string products = "float32";               // of what: float32, tf32, bf16, int8
};

// device: cpu, cuda, or auto: cuda if the build has it and a GPU is usable, else cpu, and the description
// says why.
// precision: float32; tf32 or bf16 on the GPU; on the CPU tf32 is float32, and where it has the instructions
// there are bf16 and int8; auto: tf32 on the GPU, on the CPU bf16 if `auto_rounds` and it has the
// instructions, else float32. threads: on the CPU. Throws UsageError for cuda in a build without CUDA and a
// precision that the device has not, Error with the reason if no GPU is usable.
Device choose_device(const std::string& device, const std::string& precision, int threads,
                     bool auto_rounds = false);

// Takes what ends the program where it can't be had, while there is memory: the threads of the parallel loops
// and the kernels of the CPU's matrix products. Throws Error: how many threads there could be, or how much
// memory is wanted, and what needs less.
void warm_up(const Device& device);

}  // namespace mininmt
