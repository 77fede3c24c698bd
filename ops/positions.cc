#include "ops/positions.h"

#include <vector>

#include "cuda/kernels.h"
#include "cuda/positions.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void set_row(std::int64_t d, real factor, const real* x, const real* code, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < d; ++i) y[i] = factor * x[i] + code[i];
}

void set_with_positions(const Tensor& x, real factor, std::int64_t first, const Tensor& y) {
  const std::int64_t T = x.shape()[0], B = x.shape()[1], d = x.shape()[2];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_positions(T, B, d, factor, first, x.data(), y.data());
  parallel_for(T, (B + 20) * d, [&](std::int64_t begin, std::int64_t end) {
    std::vector<real> code(static_cast<std::size_t>(d));
    for (std::int64_t t = begin; t < end; ++t) {
      for (std::int64_t i = 0; i < d; ++i) code[i] = position_code(first + t, i, d);
      for (std::int64_t row = t * B; row < (t + 1) * B; ++row)
        set_row(d, factor, x.data() + row * d, code.data(), y.data() + row * d);
    }
  });
}

}  // namespace

Var add_positions(Var x, real factor, std::int64_t first) {
  check_rank("add_positions", "x", x.shape(), 3, 3);
  if (x.shape()[2] % 2 != 0)
    throw Error("[add_positions] (x) must have an even number of columns but has shape " +
                x.shape().to_string());
  const Tensor y(x.shape(), x.value().memory());
  set_with_positions(x.value(), factor, first, y);
  return x.tape->record("add_positions", y, {x}, [x, factor](const Tensor&, const Tensor& dy) {
    add_scaled(factor, dy, x.gradient());
  });
}

}  // namespace mininmt
