// gemm() and plain_gemm() against a naive sum in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "ops/gemm.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/unit/little_memory.h"

namespace mininmt {
namespace {

using Gemm = void (*)(std::int64_t, std::int64_t, std::int64_t, Matrix, Matrix, real*, std::int64_t, bool);

struct Operand {
  std::vector<real> data;
  Matrix matrix;

  // (rows, cols), stored with rows, or columns if transposed, `gap` elements longer than needed.
  Operand(std::int64_t rows, std::int64_t cols, bool transposed, std::int64_t gap, std::uint64_t seed) {
    const std::int64_t stride = std::max<std::int64_t>((transposed ? rows : cols) + gap, 1);
    data.resize(static_cast<std::size_t>((transposed ? cols : rows) * stride + 1));
    const Random random{seed, 0};
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<real>(random.normal(i));
    matrix = {data.data(), stride, transposed};
  }
  double at(std::int64_t i, std::int64_t j) const {
    return matrix.transposed ? data[j * matrix.stride + i] : data[i * matrix.stride + j];
  }
};

constexpr real kUntouched = 12345;

// Largest difference from the naive sum; elements of C between its rows must not change.
double error_of(Gemm product, std::int64_t m, std::int64_t n, std::int64_t k, bool ta, bool tb,
                std::int64_t gap, bool add) {
  const Operand a(m, k, ta, gap, 1), b(k, n, tb, 2 * gap, 2);
  const std::int64_t stride = std::max<std::int64_t>(n + 3 * gap, 1);
  std::vector<real> c(static_cast<std::size_t>(m * stride + 1), kUntouched);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) c[i * stride + j] = add ? static_cast<real>(i - j) : real(NAN);
  product(m, n, k, a.matrix, b.matrix, c.data(), stride, add);

  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double expected = add ? static_cast<double>(i - j) : 0;
      for (std::int64_t p = 0; p < k; ++p) expected += a.at(i, p) * b.at(p, j);
      const double error = std::abs(c[i * stride + j] - expected);
      if (!(error <= worst)) worst = error;
    }
    for (std::int64_t j = n; j < stride; ++j)
      if (c[i * stride + j] != kUntouched) return INFINITY;
  }
  return c.back() == kUntouched ? worst : INFINITY;
}

}  // namespace

TEST_CASE(
    "gemm and plain_gemm are the sum written out: every transpose, stride, add, sizes 0 and 1 among them") {
  for (const Gemm product : {gemm, plain_gemm})
    for (const std::int64_t m : {0, 1, 3, 17})
      for (const std::int64_t n : {0, 1, 7, 33})
        for (const std::int64_t k : {0, 1, 5, 64})
          for (const int form : {0, 1, 2, 3})
            for (const std::int64_t gap : {0, 5})
              for (const bool add : {false, true}) {
                const double error = error_of(product, m, n, k, form & 1, form & 2, gap, add);
                CHECK_MESSAGE(error <= 5e-5, std::string(product != plain_gemm ? "gemm " : "plain_gemm ")
                                                 << m << " x " << n << " x " << k << " form " << form
                                                 << " gap " << gap << " add " << add << ": " << error);
              }
}

TEST_CASE("gemm and plain_gemm at sizes that are split over threads and blocked") {
  for (const Gemm product : {gemm, plain_gemm})
    for (const int form : {0, 1, 2, 3})
      CHECK(error_of(product, 131, 257, 300, form & 1, form & 2, 3, form < 2) <= 6e-4);
}

TEST_CASE("plain_gemm sums each element in the order of k, however many rows there are") {
  const Operand a(5, 40, false, 0, 1), b(40, 9, false, 0, 2);
  std::vector<real> all(45), row(9);
  plain_gemm(5, 9, 40, a.matrix, b.matrix, all.data(), 9, false);
  plain_gemm(1, 9, 40, {a.data.data() + 3 * 40, 40}, b.matrix, row.data(), 9, false);
  for (int j = 0; j < 9; ++j) CHECK(row[j] == all[27 + j]);
}

TEST_CASE("preparing products") {
  CHECK_NOTHROW(prepare_gemm());
#if defined(MININMT_ONEDNN) && !defined(MININMT_SANITIZE)
  const int exit_code = with_little_memory(std::size_t{4} << 20, [] {
    try {
      prepare_gemm();
    } catch (const OutOfMemory&) {
      return 1;
    }
    return 0;
  });
  CHECK(exit_code == 1);
#endif
}

}  // namespace mininmt
