// The emulated cuBLAS and CUB against plain loops.
#include <cublas_v2.h>
#include <doctest/doctest.h>
#include <cub/cub.cuh>

#include <cmath>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "tests/cuda_emulation/test_support.h"

namespace mininmt::cuda {
namespace {

template <class T>
struct OnDevice : Device<T> {
  explicit OnDevice(const std::vector<T>& values) : Device<T>(values.size()) { this->set(values); }
};

struct Handle {
  Handle() { REQUIRE(cublasCreate(&cublas) == CUBLAS_STATUS_SUCCESS); }
  Handle(const Handle&) = delete;
  ~Handle() { cublasDestroy(cublas); }
  cublasHandle_t cublas;
};

template <class T>
std::vector<T> random_values(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> values(n);
  for (T& v : values) v = uniform(random);
  return values;
}

template <class T>
constexpr cudaDataType kType = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
template <class T>
constexpr cublasComputeType_t kCompute = std::is_same_v<T, float> ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F;

TEST_CASE_TEMPLATE("products of all transpositions, batched, into a part of a matrix", T, float, double) {
  const int m = 7, n = 6, k = 5, ld = 9, count = 3;
  const std::size_t size = 9 * 9;
  const Handle handle;
  for (const cublasOperation_t ta : {CUBLAS_OP_N, CUBLAS_OP_T})
    for (const cublasOperation_t tb : {CUBLAS_OP_N, CUBLAS_OP_T})
      for (const T beta : {T{0}, T{0.5}}) {
        const auto a = random_values<T>(size * count, 1), b = random_values<T>(size * count, 2);
        auto expected = random_values<T>(size * count, 3);
        const T nan = std::numeric_limits<T>::quiet_NaN(), alpha = 2;
        if (beta == 0) expected.assign(expected.size(), nan);
        const OnDevice<T> da(a), db(b), dc(expected);
        // The batch of A from last matrix to first.
        REQUIRE(cublasGemmStridedBatchedEx(
                    handle.cublas, ta, tb, m, n, k, &alpha, da.data + (count - 1) * size, kType<T>, ld,
                    -static_cast<long long>(size), db.data, kType<T>, ld, size, &beta, dc.data, kType<T>, ld,
                    size, count, kCompute<T>, CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
        for (int q = 0; q < count; ++q)
          for (int i = 0; i < m; ++i)
            for (int j = 0; j < n; ++j) {
              double sum = 0;
              for (int p = 0; p < k; ++p)
                sum += static_cast<double>(
                           a[(count - 1 - q) * size + (ta == CUBLAS_OP_N ? i + p * ld : p + i * ld)]) *
                       b[q * size + (tb == CUBLAS_OP_N ? p + j * ld : j + p * ld)];
              T& c = expected[q * size + i + j * ld];
              c = static_cast<T>(2 * sum + (beta == 0 ? 0 : beta * c));
            }
        const auto result = dc.host();
        for (std::size_t i = 0; i < result.size(); ++i) {
          if (std::isnan(expected[i]))
            REQUIRE(std::isnan(result[i]));
          else
            REQUIRE(result[i] == doctest::Approx(expected[i]).epsilon(1e-5));
        }
      }
}

TEST_CASE("operands are rounded as the precision says, ties to even") {
  const Handle handle;
  const float one = 1, zero = 0;
  const auto product = [&](float a, float b, cublasComputeType_t compute) {
    const OnDevice<float> da({a}), db({b}), dc({0});
    REQUIRE(cublasGemmEx(handle.cublas, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, da.data, CUDA_R_32F, 1,
                         db.data, CUDA_R_32F, 1, &zero, dc.data, CUDA_R_32F, 1, compute,
                         CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS);
    return dc.host()[0];
  };
  const auto ulp = [](int bits) { return std::ldexp(1.0f, -bits); };
  const float x = 1 + ulp(12);
  CHECK(product(x, 1, CUBLAS_COMPUTE_32F) == x);
  CHECK(product(x, 1, CUBLAS_COMPUTE_32F_PEDANTIC) == x);
  CHECK(product(x, 1, CUBLAS_COMPUTE_32F_FAST_TF32) == 1);
  CHECK(product(1 + ulp(10), 1, CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + ulp(10));
  CHECK(product(1 + ulp(11), 1, CUBLAS_COMPUTE_32F_FAST_TF32) == 1);                          // tie, to even
  CHECK(product(1, 1 + ulp(10) + ulp(11), CUBLAS_COMPUTE_32F_FAST_TF32) == 1 + 2 * ulp(10));  // tie, to even
  CHECK(product(-(1 + ulp(11) + ulp(20)), 1, CUBLAS_COMPUTE_32F_FAST_TF32) == -(1 + ulp(10)));
  CHECK(product(1 + ulp(7), 1, CUBLAS_COMPUTE_32F_FAST_16BF) == 1 + ulp(7));
  CHECK(product(1 + ulp(8), 1, CUBLAS_COMPUTE_32F_FAST_16BF) == 1);
  CHECK(std::isinf(product(INFINITY, 1, CUBLAS_COMPUTE_32F_FAST_TF32)));
  CHECK(std::isnan(product(NAN, 1, CUBLAS_COMPUTE_32F_FAST_16BF)));
  CHECK(cublasSetMathMode(handle.cublas, CUBLAS_TF32_TENSOR_OP_MATH) == CUBLAS_STATUS_SUCCESS);
  CHECK(product(x, 1, CUBLAS_COMPUTE_32F) == 1);
  CHECK(product(x, 1, CUBLAS_COMPUTE_32F_PEDANTIC) == x);
}

TEST_CASE("what cuBLAS refuses, and that it spoils its workspace") {
  Handle handle;
  const OnDevice<float> a(std::vector<float>(64, 1.0f)), c(std::vector<float>(64, 0.0f));
  const OnDevice<float> workspace(std::vector<float>(4096, 0.0f));
  const float one = 1, zero = 0;
  const auto gemm = [&](int m, int n, int k, int lda, int ldb, int ldc) {
    return cublasSgemm(handle.cublas, CUBLAS_OP_T, CUBLAS_OP_N, m, n, k, &one, a.data, lda, a.data, ldb,
                       &zero, c.data, ldc);
  };
  CHECK(cublasSetWorkspace(handle.cublas, workspace.data, 4096 * 4) == CUBLAS_STATUS_SUCCESS);
  CHECK(gemm(4, 3, 2, 1, 2, 4) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(4, 3, 2, 2, 1, 4) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(4, 3, 2, 2, 2, 3) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(-1, 3, 2, 2, 2, 4) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(0, 3, 2, 2, 2, 4) == CUBLAS_STATUS_SUCCESS);
  CHECK(workspace.host()[0] == 0);
  CHECK(gemm(4, 3, 2, 2, 2, 4) == CUBLAS_STATUS_SUCCESS);
  CHECK(c.host()[11] == 2);
  CHECK(c.host()[12] == 0);
  CHECK(std::isnan(workspace.host()[0]));
  CHECK(std::isnan(workspace.host()[4095]));
}

template <class Key>
std::vector<int> sorted_values(const std::vector<Key>& keys, int begin, int end, std::vector<Key>& sorted) {
  const auto n = static_cast<int>(keys.size());
  std::vector<int> values(keys.size());
  for (int i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] = i;
  const OnDevice<Key> in(keys), out(keys);
  const OnDevice<int> values_in(values), values_out(values);
  std::size_t bytes = 0;
  REQUIRE(cub::DeviceRadixSort::SortPairs(nullptr, bytes, in.data, out.data, values_in.data, values_out.data,
                                          n, begin, end) == cudaSuccess);
  const OnDevice<char> temporary(std::vector<char>(bytes, 0));
  REQUIRE(cub::DeviceRadixSort::SortPairs(temporary.data, bytes, in.data, out.data, values_in.data,
                                          values_out.data, n, begin, end, nullptr) == cudaSuccess);
  sorted = out.host();
  CHECK(temporary.host()[0] == -1);
  return values_out.host();
}

TEST_CASE("the radix sort is stable and looks at the bits asked for") {
  std::vector<unsigned> sorted;
  CHECK(sorted_values<unsigned>({3, 1, 2, 1, 3, 0xf0000000u}, 0, 32, sorted) ==
        std::vector<int>{1, 3, 2, 0, 4, 5});
  CHECK(sorted == std::vector<unsigned>{1, 1, 2, 3, 3, 0xf0000000u});
  CHECK(sorted_values<unsigned>({0x13, 0x21, 0x02, 0x31}, 0, 4, sorted) == std::vector<int>{1, 3, 2, 0});
  CHECK(sorted_values<unsigned>({0x13, 0x21, 0x02, 0x31}, 4, 8, sorted) == std::vector<int>{2, 0, 1, 3});
  CHECK(sorted_values<unsigned>({5, 4, 3}, 0, 0, sorted) == std::vector<int>{0, 1, 2});
  std::vector<int> signed_sorted;
  CHECK(sorted_values<int>({3, -1, 2, -7}, 0, 32, signed_sorted) == std::vector<int>{3, 1, 2, 0});
  std::vector<long long> wide;
  CHECK(sorted_values<long long>({1LL << 40, -1, 7}, 0, 64, wide) == std::vector<int>{1, 2, 0});
}

}  // namespace
}  // namespace mininmt::cuda
