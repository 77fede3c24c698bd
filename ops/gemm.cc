#include "ops/gemm.h"

#include <algorithm>
#include <vector>

#include "cuda/kernels.h"
#include "ops/bf16_products.h"
#include "ops/onednn.h"
#include "ops/packed_weights.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// The operand (rows, cols) with contiguous rows: itself if they are, else a copy in `buffer`.
const real* packed(const Matrix& x, std::int64_t rows, std::int64_t cols, std::vector<real>& buffer,
                   std::int64_t& stride) {
  if (!x.transposed) {
    stride = x.stride;
    return x.data;
  }
  buffer.resize(static_cast<std::size_t>(rows) * cols);
  for (std::int64_t j = 0; j < cols; ++j)
    for (std::int64_t i = 0; i < rows; ++i) buffer[i * cols + j] = x.data[j * x.stride + i];
  stride = cols;
  return buffer.data();
}

// One row of C at a time, as a sum of rows of B: every inner loop runs over contiguous memory. Each element
// is summed in the order of k, for any m.
MININMT_VECTORIZED void product_rows(std::int64_t begin, std::int64_t end, std::int64_t n, std::int64_t k,
                                     const real* a, std::int64_t a_stride, const real* b,
                                     std::int64_t b_stride, real* c, std::int64_t c_stride, bool add) {
  for (std::int64_t i = begin; i < end; ++i) {
    real* const row = c + i * c_stride;
    if (!add) std::fill(row, row + n, real{0});
    for (std::int64_t p = 0; p < k; ++p) {
      const real x = a[i * a_stride + p];
      const real* const b_row = b + p * b_stride;
      for (std::int64_t j = 0; j < n; ++j) row[j] += x * b_row[j];
    }
  }
}

}  // namespace

void plain_gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c,
                std::int64_t c_stride, bool add) {
  std::vector<real> a_buffer, b_buffer;
  std::int64_t a_stride = 0, b_stride = 0;
  const real* const a_rows = packed(a, m, k, a_buffer, a_stride);
  const real* const b_rows = packed(b, k, n, b_buffer, b_stride);
  parallel_for(m, n * k, [&](std::int64_t begin, std::int64_t end) {
    product_rows(begin, end, n, k, a_rows, a_stride, b_rows, b_stride, c, c_stride, add);
  });
}

void gemm(Memory& memory, std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c,
          std::int64_t c_stride, bool add) {
  if constexpr (kHasCuda)
    if (!memory.on_host())
      return cuda::gemm(m, n, k, {a.data, a.stride, a.transposed}, {b.data, b.stride, b.transposed}, c,
                        c_stride, add);
  gemm(m, n, k, a, b, c, c_stride, add);
}

void gemm_batched(Memory& memory, std::int64_t count, std::int64_t m, std::int64_t n, std::int64_t k,
                  Matrix a, std::int64_t a_step, Matrix b, std::int64_t b_step, real* c,
                  std::int64_t c_stride, std::int64_t c_step, bool add) {
  if constexpr (kHasCuda)
    if (!memory.on_host())
      return cuda::gemm_batched(count, m, n, k, {a.data, a.stride, a.transposed}, a_step,
                                {b.data, b.stride, b.transposed}, b_step, c, c_stride, c_step, add);
  for (std::int64_t i = 0; i < count; ++i)
    gemm(m, n, k, {a.data + i * a_step, a.stride, a.transposed},
         {b.data + i * b_step, b.stride, b.transposed}, c + i * c_step, c_stride, add);
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, real* c, std::int64_t c_stride,
          bool add) {
  if (m == 0 || n == 0) return;
  if (PackedWeights::multiply(m, n, k, a, b, c, c_stride, add)) return;
  if (Bf16Products::multiply(m, n, k, a, b, c, c_stride, add)) return;
#ifdef MININMT_USES_ONEDNN
  if (k == 0) return plain_gemm(m, n, k, a, b, c, c_stride, add);
  const dnnl_status_t status = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f,
                                          a.data, a.stride, b.data, b.stride, add ? 1.0f : 0.0f, c, c_stride);
  if (status != dnnl_success) onednn::refuse("gemm", m, n, k, status);
#else
  plain_gemm(m, n, k, a, b, c, c_stride, add);
#endif
}

// oneDNN has kernels of its own for products with a vector and for small ones; the first product of all makes
// the others. Small ones stay on this thread: others would each reserve memory of their own for malloc.
void prepare_gemm() {
#ifdef MININMT_USES_ONEDNN
  onednn::want_room_for_kernels();
  constexpr std::int64_t kMost = 4,
                         kShapes[][3] = {{1, kMost, kMost}, {kMost, 1, kMost}, {kMost, kMost, kMost}};
  const std::vector<real> ones(kMost * kMost, 1);
  std::vector<real> product(kMost * kMost);
  for (const auto& [m, n, k] : kShapes)
    for (const bool a_transposed : {false, true})
      for (const bool b_transposed : {false, true})
        for (const bool add : {false, true})
          gemm(m, n, k, {ones.data(), kMost, a_transposed}, {ones.data(), kMost, b_transposed},
               product.data(), kMost, add);
#endif
}

}  // namespace mininmt
