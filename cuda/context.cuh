// State shared by all kernels: one stream, one cuBLAS handle, the GPU's properties.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include "cuda/device.h"
#include "tensor/error.h"

namespace mininmt::cuda {

// Throw Error with `what`, the name of the call or kernel, and the reason.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);

struct Context {
  cudaStream_t stream;
  cublasHandle_t cublas;
  void* workspace;  // of cuBLAS
  int multiprocessors;
};

Context& context();  // created at the first call; throws Error without a usable GPU

// Temporary device memory until the end of the scope, in stream order.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes) : bytes_(bytes), block_(memory().allocate(bytes)) {}
  ~Scratch() { memory().release(block_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(block_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  void* block_;
};

}  // namespace mininmt::cuda
