#include "ops/normalize.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

real norm(std::int64_t n, const real* x) { return std::max(std::sqrt(dot(n, x, x)), cuda::kLeastNorm); }

// a: null for 1.
void set_normalized(const Tensor& x, const real* a, const Tensor& y) {
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::normalize(rows, n, x.data(), a, y.data());
  y.fill(0);
  parallel_for(rows, 3 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const real* const row = x.data() + r * n;
      add_scaled(n, (a ? a[r] : 1) / norm(n, row), row, y.data() + r * n);
    }
  });
}

// dx and da: null if not needed.
void add_normalize_gradient(const Tensor& x, const real* a, const Tensor& dy, real* dx, real* da) {
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_normalize_gradient(rows, n, x.data(), a, dy.data(), dx, da);
  parallel_for(rows, 6 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const real *const row = x.data() + r * n, *const d = dy.data() + r * n;
      const real size = norm(n, row), along = dot(n, row, d) / size;
      if (da) da[r] += along;
      if (!dx) continue;
      const real factor = (a ? a[r] : 1) / size;
      add_scaled(n, factor, d, dx + r * n);
      if (size > cuda::kLeastNorm) add_scaled(n, -factor * along / size, row, dx + r * n);
    }
  });
}

Var normalized(Var x, std::optional<Var> a) {
  const Tensor y(x.shape(), x.value().memory());
  const real* const a_data = a ? a->value().data() : nullptr;
  set_normalized(x.value(), a_data, y);
  std::vector<Var> inputs = {x};
  if (a) inputs.push_back(*a);
  return x.tape->record("normalize", y, inputs, [=](const Tensor&, const Tensor& dy) {
    add_normalize_gradient(x.value(), a_data, dy, x.needs_gradient() ? x.gradient().data() : nullptr,
                           a && a->needs_gradient() ? a->gradient().data() : nullptr);
  });
}

}  // namespace

Var normalize(Var x) {
  check_rank("normalize", "x", x.shape(), 1);
  return normalized(x, {});
}

Var normalize(Var x, Var a) {
  check_rank("normalize", "x", x.shape(), 1);
  check_shape("normalize", "a", a.shape(), x.shape().with_last(1));
  return normalized(x, a);
}

}  // namespace mininmt
