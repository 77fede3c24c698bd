// Runs a kernel: the blocks one after another, the threads of a block as fibers.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "emulated/types.h"
#include "tests/cuda_emulation/symbols.h"

namespace mininmt::emulation {

inline constexpr std::size_t kSharedPerBlock = 48 * 1024;  // without cudaFuncSetAttribute
inline constexpr std::size_t kSharedOptin = 227 * 1024;

struct Launch {
  std::string name;
  dim3 grid;
  dim3 block;
  std::size_t dynamic_shared;
  std::vector<ThreadLocal> static_shared;  // of the kernel itself
  std::function<void()> body;              // the kernel with its arguments, for one thread
};

void run(const Launch& launch);

bool in_kernel();
void describe_thread();  // to stderr: the kernel, block and thread that run, if any

}  // namespace mininmt::emulation
