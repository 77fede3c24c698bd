#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

constexpr cudaDataType_t kType = sizeof(real) == 4 ? CUDA_R_32F : CUDA_R_64F;

cublasComputeType_t compute_type() {
  if constexpr (sizeof(real) == 8) return CUBLAS_COMPUTE_64F;
  switch (precision()) {
    case Precision::kTf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::kBf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    case Precision::kFloat32:
      break;
  }
  return CUBLAS_COMPUTE_32F;
}

cublasOperation_t operation(const Operand& x) { return x.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

}  // namespace

// cuBLAS is column-major: its C^T (n, m) is our C (m, n), and C^T = B^T A^T, so the operands are swapped and
// keep their transposition.
void gemm(Index m, Index n, Index k, Operand a, Operand b, real* c, Index c_stride, bool add) {
  gemm_batched(1, m, n, k, a, 0, b, 0, c, c_stride, 0, add);
}

void gemm_batched(Index count, Index m, Index n, Index k, Operand a, Index a_step, Operand b, Index b_step,
                  real* c, Index c_stride, Index c_step, bool add) {
  if (count == 0 || m == 0 || n == 0) return;
  if (k == 0) {  // an empty sum
    if (!add)
      for (Index i = 0; i < count; ++i)
        for (Index row = 0; row < m; ++row) memory().fill(c + i * c_step + row * c_stride, n, 0);
    return;
  }
  const real one = 1, beta = add ? 1 : 0;
  const auto whole = [](Index x) { return as_int("gemm", x); };
  const cublasStatus_t status =
      count == 1 ? cublasGemmEx(context().cublas, operation(b), operation(a), whole(n), whole(m), whole(k),
                                &one, b.data, kType, whole(b.stride), a.data, kType, whole(a.stride), &beta,
                                c, kType, whole(c_stride), compute_type(), CUBLAS_GEMM_DEFAULT)
                 : cublasGemmStridedBatchedEx(
                       context().cublas, operation(b), operation(a), whole(n), whole(m), whole(k), &one,
                       b.data, kType, whole(b.stride), b_step, a.data, kType, whole(a.stride), a_step, &beta,
                       c, kType, whole(c_stride), c_step, whole(count), compute_type(), CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error(join("[gemm] cuBLAS refuses ", count, " products of ", m, " x ", k, " by ", k, " x ", n, ": ",
                     cublasGetStatusString(status)));
}

}  // namespace mininmt::cuda
