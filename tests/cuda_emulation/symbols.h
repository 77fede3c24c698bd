// The names that the program's own symbol table gives to kernels and to their shared arrays.
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

// The thread-local arrays that are declared inside this function: its `__shared__` ones.
std::vector<ThreadLocal> shared_arrays(const void* kernel);

// The same of all functions of the namespace mininmt::cuda.
const std::vector<ThreadLocal>& all_shared_arrays();

// Fills the arrays of the calling thread with 0xff.
void poison(const std::vector<ThreadLocal>& arrays);

}  // namespace mininmt::emulation
