#include "ops/reduce.h"

#include "ops/check.h"
#include "ops/elementwise.h"
#include "ops/rows.h"

namespace mininmt {

Var sum(Var x) {
  double total = 0;  // in double: a loss is the sum of thousands of terms
  for (real v : x.value().values()) total += v;
  return x.tape->record(Tensor::from({}, {static_cast<real>(total)}), {x},
                        [x](const Tensor&, const Tensor& dy) {
                          const real d = dy.item();
                          for (real& dx : x.gradient().values()) dx += d;
                        });
}

Var sum_rows(Var x) {
  check_rank("sum_rows", "x", x.shape(), 1);
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  Tensor y = Tensor::zeros({n});
  add_sum_of_rows(rows, n, x.value().data(), y.data());
  return x.tape->record(y, {x}, [x, rows, n](const Tensor&, const Tensor& dy) {
    add_to_rows(rows, n, dy.data(), x.gradient().data());
  });
}

Var mean(Var x) { return scale(sum(x), real{1} / static_cast<real>(x.value().size())); }

}  // namespace mininmt
