// cuBLAS, loaded when a GPU is first used (a quarter of a second and 200 MB). These are the functions that
// cuda/ calls, under their own names; each forwards to the library.
#include <cublas_v2.h>

#include "cuda/library.h"

namespace {

const mininmt::cuda::Library& library() {
  static const mininmt::cuda::Library loaded(
      "cuBLAS", "on a GPU", mininmt::join("libcublas.so.", CUBLAS_VER_MAJOR),
      "LD_LIBRARY_PATH names the folders to look in, as /usr/local/cuda/lib64");
  return loaded;
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  static void* symbol;
  return library().call<cublasStatus_t>(symbol, "cublasCreate_v2", handle);
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  static void* symbol;
  return library().call<cublasStatus_t>(symbol, "cublasSetStream_v2", handle, stream);
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  static void* symbol;
  return library().call<cublasStatus_t>(symbol, "cublasSetWorkspace_v2", handle, workspace, bytes);
}

const char* cublasGetStatusString(cublasStatus_t status) {
  static void* symbol;
  return library().call<const char*>(symbol, "cublasGetStatusString", status);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                            int n, int k, const void* alpha, const void* A, cudaDataType Atype, int lda,
                            const void* B, cudaDataType Btype, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t compute_type,
                            cublasGemmAlgo_t algo) {
  static void* symbol;
  return library().call<cublasStatus_t>(symbol, "cublasGemmEx", handle, transa, transb, m, n, k, alpha, A,
                                        Atype, lda, B, Btype, ldb, beta, C, Ctype, ldc, compute_type, algo);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k, const void* alpha,
                                          const void* A, cudaDataType Atype, int lda, long long strideA,
                                          const void* B, cudaDataType Btype, int ldb, long long strideB,
                                          const void* beta, void* C, cudaDataType Ctype, int ldc,
                                          long long strideC, int batch, cublasComputeType_t compute_type,
                                          cublasGemmAlgo_t algo) {
  static void* symbol;
  return library().call<cublasStatus_t>(symbol, "cublasGemmStridedBatchedEx", handle, transa, transb, m, n, k,
                                        alpha, A, Atype, lda, strideA, B, Btype, ldb, strideB, beta, C, Ctype,
                                        ldc, strideC, batch, compute_type, algo);
}

}  // extern "C"
