#include "ops/reduce.h"

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/elementwise.h"
#include "ops/rows.h"

namespace mininmt {

namespace {

// In double, since a loss sums thousands of terms.
void set_sum(const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::sum(x.size(), x.data(), y.data());
  double total = 0;
  for (real v : x.values()) total += v;
  *y.data() = static_cast<real>(total);
}

// y += the only element of x
void add_number(const Tensor& x, const Tensor& y) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::add_number(y.size(), x.data(), y.data());
  for (real& v : y.values()) v += *x.data();
}

}  // namespace

Var sum(Var x) {
  const Tensor y({}, x.value().memory());
  set_sum(x.value(), y);
  return x.tape->record("sum", y, {x},
                        [x](const Tensor&, const Tensor& dy) { add_number(dy, x.gradient()); });
}

Var sum_rows(Var x) {
  check_rank("sum_rows", "x", x.shape(), 1);
  const Tensor y = Tensor::zeros({x.shape()[-1]}, x.value().memory());
  add_sum_of_rows(x.value(), y);
  return x.tape->record("sum_rows", y, {x},
                        [x](const Tensor&, const Tensor& dy) { add_to_rows(dy, x.gradient()); });
}

Var mean(Var x) { return scale(sum(x), real{1} / static_cast<real>(x.value().size())); }

}  // namespace mininmt
