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

// For i in [kChunk * begin, kChunk * end), i < size: kept_i, and y_i = x_i * factor if kept, else 0.
MININMT_VECTORIZED void keep(std::int64_t begin, std::int64_t end, std::int64_t size, real factor,
                             std::uint32_t threshold, Random random, const real* x, real* y,
                             std::uint8_t* kept) {
  for (std::int64_t chunk = begin; chunk < end; ++chunk) {
    std::uint32_t words[4][kLanes], bits[kChunk];
    random.blocks(static_cast<std::uint64_t>(chunk * kLanes), words);
    for (int w = 0; w < 4; ++w)
      for (int lane = 0; lane < kLanes; ++lane) bits[4 * lane + w] = words[w][lane];
    const std::int64_t first = chunk * kChunk, count = std::min(kChunk, size - first);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      y[first + i] = bits[i] >= threshold ? factor * x[first + i] : 0;
      kept[first + i] = bits[i] >= threshold;
    }
  }
}

// dx_i += dy_i * factor where kept
MININMT_VECTORIZED void add_kept(std::int64_t size, real factor, const std::uint8_t* kept, const real* dy,
                                 real* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) dx[i] += kept[i] ? factor * dy[i] : 0;
}

Var dropout_on_cpu(Var x, double p, const Draws& draws) {
  if (draws.later) throw Error("[dropout] (later) is read by kernels on a GPU, but (x) is on the CPU");
  const Tensor y(x.shape(), x.value().memory());
  const std::int64_t size = x.value().size();
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);
  const auto factor = static_cast<real>(1 / (1 - p));
  constexpr std::int64_t kInOne = sizeof(real);
  const Tensor mask({(size + kInOne - 1) / kInOne}, y.memory());
  auto* const kept = reinterpret_cast<std::uint8_t*>(mask.data());
  parallel_for((size + kChunk - 1) / kChunk, 4 * kChunk, [&](std::int64_t begin, std::int64_t end) {
    keep(begin, end, size, factor, threshold, draws.random, x.value().data(), y.data(), kept);
  });
  return x.tape->record("dropout", y, {x}, [x, size, factor, mask](const Tensor&, const Tensor& dy) {
    const auto* const kept = reinterpret_cast<const std::uint8_t*>(mask.data());
    const Tensor dx = x.gradient();
    parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
      add_kept(end - begin, factor, kept + begin, dy.data() + begin, dx.data() + begin);
    });
  });
}

Var dropout_on_cuda(Var x, double p, const Draws& draws) {
  if constexpr (!kHasCuda) {
    return x;
  } else {
    const Tensor y(x.shape(), x.value().memory());
    cuda::dropout(y.size(), p, draws, x.value().data(), y.data(), false);
    return x.tape->record("dropout", y, {x}, [x, p, draws](const Tensor&, const Tensor& dy) {
      cuda::dropout(dy.size(), p, draws, dy.data(), x.gradient().data(), true);
    });
  }
}

}  // namespace

Var dropout(Var x, double p, const Draws& draws) {
  if (!(p >= 0 && p < 1)) throw Error(join("[dropout] (p) must be in [0, 1) but is ", p));
  return kHasCuda && x.value().on_cuda() ? dropout_on_cuda(x, p, draws) : dropout_on_cpu(x, p, draws);
}

}  // namespace mininmt
