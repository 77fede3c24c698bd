// Matrix product on raw row-major memory: on the CPU oneDNN's if available (float only), else a plain loop;
// on the GPU cuBLAS's.
#pragma once

#include <cstdint>

#include "tensor/memory.h"
#include "tensor/types.h"

namespace mininmt {

// A matrix operand: element (i, j) is data[i * stride + j], or with `transposed` data[j * stride + i].
struct Matrix {
  const real* data;
  std::int64_t stride;
  bool transposed = false;
};

// C (m, n) = A (m, k) B (k, n), or += with `add`. Rows of C are c_stride apart. C must not overlap A or B.
// All are in `memory`.
void gemm(Memory& memory, std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c,
          std::int64_t c_stride, bool add);

// `count` products; operand i starts i times the `_step` elements after the first.
void gemm_batched(Memory& memory, std::int64_t count, std::int64_t m, std::int64_t n, std::int64_t k,
                  Matrix a, std::int64_t a_step, Matrix b, std::int64_t b_step, real* c,
                  std::int64_t c_stride, std::int64_t c_step, bool add);

// Has the library make its kernels for products on the host, which it would do at the first of them: oneDNN
// crashes where it then finds no memory. Throws OutOfMemory if there is not enough.
void prepare_gemm();

// One product on the host. Throws OutOfMemory where the library has none for its copies of the operands.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c, std::int64_t c_stride,
          bool add);

// The plain loop, in every build; the reference for gemm().
void plain_gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c,
                std::int64_t c_stride, bool add);

}  // namespace mininmt
