#include "ops/dropout.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// y_i += x_i * factor for each i in [4 * begin, 4 * end) that the random numbers keep.
MININMT_VECTORIZED void add_kept(std::int64_t begin, std::int64_t end, std::int64_t size, real factor,
                                 std::uint32_t threshold, Random random, const real* x, real* y) {
  for (std::int64_t block = begin; block < end; ++block) {
    const auto bits = random.block(static_cast<std::uint64_t>(block));
    const std::int64_t first = 4 * block, count = std::min<std::int64_t>(4, size - first);
    for (std::int64_t i = 0; i < count; ++i) y[first + i] += bits[i] >= threshold ? factor * x[first + i] : 0;
  }
}

void add_dropped_out(const Tensor& x, double p, const Random& random, const Tensor& y) {
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);
  parallel_for((x.size() + 3) / 4, 16, [&](std::int64_t begin, std::int64_t end) {
    add_kept(begin, end, x.size(), static_cast<real>(1 / (1 - p)), threshold, random, x.data(), y.data());
  });
}

}  // namespace

Var dropout(Var x, double p, const Random& random) {
  if (!(p >= 0 && p < 1)) throw Error(join("[dropout] (p) must be in [0, 1) but is ", p));
  const Tensor y = Tensor::zeros(x.shape());
  add_dropped_out(x.value(), p, random, y);
  return x.tape->record(y, {x}, [x, p, random](const Tensor&, const Tensor& dy) {
    add_dropped_out(dy, p, random, x.gradient());
  });
}

}  // namespace mininmt
