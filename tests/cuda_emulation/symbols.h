// The names of kernels and their shared arrays, from the program's symbol table.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mininmt::emulation {

struct ThreadLocal {
  std::size_t offset;  // in the program's thread-local memory
  std::size_t bytes;
};

// "mininmt::cuda::fill<float>"; "?" if the program has no symbol table.
std::string kernel_name(const void* kernel);

// The thread-local arrays declared in this function: its `__shared__` ones.
std::vector<ThreadLocal> shared_arrays(const void* kernel);

// Those of all functions in namespace mininmt::cuda.
const std::vector<ThreadLocal>& all_shared_arrays();

// Fills the calling thread's arrays with 0xff.
void poison(const std::vector<ThreadLocal>& arrays);

}  // namespace mininmt::emulation
