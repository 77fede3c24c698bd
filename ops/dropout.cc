#include "ops/dropout.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

constexpr int kLanes = 16;                   // blocks of random numbers computed at a time
constexpr std::int64_t kChunk = 4 * kLanes;  // numbers in them

// y_i += x_i * factor for the kept i in [kChunk * begin, kChunk * end), i < size.
MININMT_VECTORIZED void add_kept(std::int64_t begin, std::int64_t end, std::int64_t size, real factor,
                                 std::uint32_t threshold, Random random, const real* x, real* y) {
  for (std::int64_t chunk = begin; chunk < end; ++chunk) {
    std::uint32_t words[4][kLanes], bits[kChunk];
    random.blocks(static_cast<std::uint64_t>(chunk * kLanes), words);
    for (int w = 0; w < 4; ++w)
      for (int lane = 0; lane < kLanes; ++lane) bits[4 * lane + w] = words[w][lane];
    const std::int64_t first = chunk * kChunk, count = std::min(kChunk, size - first);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) y[first + i] += bits[i] >= threshold ? factor * x[first + i] : 0;
  }
}

// y = or += x where kept.
void drop_out(const Tensor& x, double p, const Draws& draws, const Tensor& y, bool add) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::dropout(x.size(), p, draws, x.data(), y.data(), add);
  if (draws.later) throw Error("[dropout] (later) is read by kernels on a GPU, but (x) is on the CPU");
  if (!add) y.fill(0);
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);
  parallel_for((x.size() + kChunk - 1) / kChunk, 4 * kChunk, [&](std::int64_t begin, std::int64_t end) {
    add_kept(begin, end, x.size(), static_cast<real>(1 / (1 - p)), threshold, draws.random, x.data(),
             y.data());
  });
}

}  // namespace

Var dropout(Var x, double p, const Draws& draws) {
  if (!(p >= 0 && p < 1)) throw Error(join("[dropout] (p) must be in [0, 1) but is ", p));
  const Tensor y(x.shape(), x.value().memory());
  drop_out(x.value(), p, draws, y, false);
  return x.tape->record("dropout", y, {x}, [x, p, draws](const Tensor&, const Tensor& dy) {
    drop_out(dy, p, draws, x.gradient(), true);
  });
}

}  // namespace mininmt
