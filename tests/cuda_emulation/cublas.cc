#include "cublas_v2.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/cuda_emulation/arena.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/stream.h"

using namespace mininmt::emulation;

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  char* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

namespace {

// C (m, n) = alpha op(A) op(B) + beta C, column-major, `count` times.
struct Product {
  cublasOperation_t transa, transb;
  int m, n, k;
  double alpha, beta;
  const void *a, *b;
  void* c;
  int lda, ldb, ldc;
  long long a_stride, b_stride, c_stride;
  int count;
  int mantissa;  // bits of it that operands keep
};

constexpr int kWholeMantissa = 52;

float rounded(float x, int bits) {
  auto word = std::bit_cast<std::uint32_t>(x);
  if (bits >= 23 || (word & 0x7f800000u) == 0x7f800000u) return x;  // infinity or NaN
  const int dropped = 23 - bits;
  const std::uint32_t odd = word >> dropped & 1;
  word += (1u << (dropped - 1)) - 1 + odd;  // to the nearest, ties to even
  return std::bit_cast<float>(word >> dropped << dropped);
}

double rounded(double x, int) { return x; }

// op(X) as a dense column-major matrix of rows x columns.
template <class T>
void pack(const T* x, int ld, bool transposed, int rows, int columns, int mantissa, std::vector<T>& out) {
  out.resize(static_cast<std::size_t>(rows) * columns);
  for (int j = 0; j < columns; ++j)
    for (int i = 0; i < rows; ++i)
      out[static_cast<std::size_t>(j) * rows + i] =
          rounded(transposed ? x[static_cast<std::ptrdiff_t>(i) * ld + j]
                             : x[static_cast<std::ptrdiff_t>(j) * ld + i],
                  mantissa);
}

// sum (m, 4) += A (m, k) times four columns of B, each from k values.
template <class T>
void four_columns(const T* a, const T* const b[4], int m, int k, T* sum) {
  T *const s0 = sum, *const s1 = sum + m, *const s2 = sum + 2 * m, *const s3 = sum + 3 * m;
  for (int p = 0; p < k; ++p) {
    const T* const column = a + static_cast<std::ptrdiff_t>(p) * m;
    const T b0 = b[0][p], b1 = b[1][p], b2 = b[2][p], b3 = b[3][p];
#pragma omp simd
    for (int i = 0; i < m; ++i) {
      s0[i] += column[i] * b0;
      s1[i] += column[i] * b1;
      s2[i] += column[i] * b2;
      s3[i] += column[i] * b3;
    }
  }
}

template <class T>
void multiply(const Product& p, const T* a, const T* b, T* c) {
  static std::vector<T> packed_a, packed_b, sum;
  pack(a, p.lda, p.transa != CUBLAS_OP_N, p.m, p.k, p.mantissa, packed_a);
  pack(b, p.ldb, p.transb != CUBLAS_OP_N, p.k, p.n, p.mantissa, packed_b);
  const T alpha = static_cast<T>(p.alpha), beta = static_cast<T>(p.beta);
  for (int j = 0; j < p.n; j += 4) {
    const T* columns[4];
    for (int q = 0; q < 4; ++q)
      columns[q] = packed_b.data() + static_cast<std::ptrdiff_t>(std::min(j + q, p.n - 1)) * p.k;
    sum.assign(static_cast<std::size_t>(p.m) * 4, T{0});
    four_columns(packed_a.data(), columns, p.m, p.k, sum.data());
    for (int q = 0; q < std::min(4, p.n - j); ++q) {
      T* const out = c + static_cast<std::ptrdiff_t>(j + q) * p.ldc;
      for (int i = 0; i < p.m; ++i) {
        const T product = alpha * sum[static_cast<std::size_t>(q) * p.m + i];
        out[i] = beta == 0 ? product : product + beta * out[i];
      }
    }
  }
}

template <class T>
void run_all(const Product& p) {
  for (int i = 0; i < p.count; ++i)
    multiply(p, static_cast<const T*>(p.a) + i * p.a_stride, static_cast<const T*>(p.b) + i * p.b_stride,
             static_cast<T*>(p.c) + i * p.c_stride);
}

// The real one may overwrite its workspace.
void spoil_workspace(char* workspace, std::size_t bytes) {
  const std::size_t part = std::min<std::size_t>(bytes, 4096);
  std::memset(workspace, 0xff, part);
  std::memset(workspace + bytes - part, 0xff, part);
}

bool valid(const Product& p) {
  const auto least = [](cublasOperation_t op, int rows, int columns) {
    return std::max(1, op == CUBLAS_OP_N ? rows : columns);
  };
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.count < 0) return false;
  return p.lda >= least(p.transa, p.m, p.k) && p.ldb >= least(p.transb, p.k, p.n) &&
         p.ldc >= std::max(1, p.m);
}

bool is_operation(cublasOperation_t op) { return op >= CUBLAS_OP_N && op <= CUBLAS_OP_C; }

void check_operand(const char* name, const void* operand) {
  const Place place = Arena::instance().place(operand);
  if (place == Place::kHost) fail(std::string("cuBLAS: ") + name + " is memory of the host");
  if (place == Place::kFreedDevice)
    fail(std::string("cuBLAS: ") + name + " is device memory that is not allocated");
}

cublasStatus_t queue(cublasHandle_t handle, const Product& p, bool in_double) {
  const std::lock_guard lock(mutex());
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!is_operation(p.transa) || !is_operation(p.transb) || !valid(p)) return CUBLAS_STATUS_INVALID_VALUE;
  if (p.m == 0 || p.n == 0 || p.count == 0) return CUBLAS_STATUS_SUCCESS;
  if (!p.c || (p.k > 0 && (!p.a || !p.b))) return CUBLAS_STATUS_INVALID_VALUE;
  if (p.k > 0) check_operand("A", p.a);
  if (p.k > 0) check_operand("B", p.b);
  check_operand("C", p.c);
  if (p.count > 1 && p.c_stride == 0) fail("cuBLAS: a batch of products into one C");
  const cudaError_t error =
      enqueue(handle->stream, [p, in_double, workspace = handle->workspace, bytes = handle->workspace_bytes] {
        set_running("a product of cuBLAS");
        ++executed().gemms;
        if (workspace) spoil_workspace(workspace, bytes);
        in_double ? run_all<double>(p) : run_all<float>(p);
      });
  return error ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

int mantissa_of(cublasHandle_t handle, cublasComputeType_t compute) {
  if (compute == CUBLAS_COMPUTE_32F_FAST_16BF) return 7;
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) return 10;
  if (compute == CUBLAS_COMPUTE_32F && handle && handle->math == CUBLAS_TF32_TENSOR_OP_MATH) return 10;
  return kWholeMantissa;
}

}  // namespace

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  const std::lock_guard lock(mutex());
  if (!handle) return CUBLAS_STATUS_INVALID_VALUE;
  if (device_error() || call_error("cublasCreate") || forbid_in_capture())
    return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  const std::lock_guard lock(mutex());
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  drain_all();
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

// The workspace is reset with the stream and must be set again.
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  const std::lock_guard lock(mutex());
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->stream = stream;
  handle->workspace = nullptr;
  handle->workspace_bytes = 0;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  const std::lock_guard lock(mutex());
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (workspace && (Arena::instance().place(workspace, bytes) != Place::kDevice ||
                    reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0))
    return CUBLAS_STATUS_INVALID_VALUE;
  handle->workspace = static_cast<char*>(workspace);
  handle->workspace_bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  handle->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode) {
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  return mode == CUBLAS_POINTER_MODE_HOST ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int* version) {
  *version = 130000;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
  }
}

const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k, const void* alpha,
                                          const void* a, cudaDataType a_type, int lda, long long a_stride,
                                          const void* b, cudaDataType b_type, int ldb, long long b_stride,
                                          const void* beta, void* c, cudaDataType c_type, int ldc,
                                          long long c_stride, int count, cublasComputeType_t compute,
                                          cublasGemmAlgo_t) {
  const bool in_double = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;
  const cudaDataType type = in_double ? CUDA_R_64F : CUDA_R_32F;
  if (a_type != type || b_type != type || c_type != type) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (!alpha || !beta) return CUBLAS_STATUS_INVALID_VALUE;
  if (Arena::instance().contains(alpha) || Arena::instance().contains(beta))
    fail("cuBLAS: alpha and beta are memory of the device, but the pointer mode is host");
  const auto value = [&](const void* p) {
    return in_double ? *static_cast<const double*>(p) : static_cast<double>(*static_cast<const float*>(p));
  };
  return queue(handle,
               {transa, transb, m, n, k, value(alpha), value(beta), a, b, c, lda, ldb, ldc, a_stride,
                b_stride, c_stride, count, mantissa_of(handle, compute)},
               in_double);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                            int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                            const void* b, cudaDataType b_type, int ldb, const void* beta, void* c,
                            cudaDataType c_type, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t algo) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb,
                                    0, beta, c, c_type, ldc, 0, 1, compute, algo);
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                           int n, int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                           const float* beta, float* c, int ldc) {
  return cublasGemmEx(handle, transa, transb, m, n, k, alpha, a, CUDA_R_32F, lda, b, CUDA_R_32F, ldb, beta, c,
                      CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

cublasStatus_t cublasDgemm(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                           int n, int k, const double* alpha, const double* a, int lda, const double* b,
                           int ldb, const double* beta, double* c, int ldc) {
  return cublasGemmEx(handle, transa, transb, m, n, k, alpha, a, CUDA_R_64F, lda, b, CUDA_R_64F, ldb, beta, c,
                      CUDA_R_64F, ldc, CUBLAS_COMPUTE_64F, CUBLAS_GEMM_DEFAULT);
}
