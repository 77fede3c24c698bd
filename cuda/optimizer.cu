// Parameter updates (nn/training/optimizer.h): norm of the gradient, clipping, and the step, each one pass
// over the block of parameters. Bound by memory: each block is read once and, if it changes, written once.
#include <cmath>

#include "cuda/optimizer_rules.h"
#include "cuda/vector.cuh"

namespace mininmt::cuda {
namespace {

constexpr int kResident = 5;  // blocks per multiprocessor, limited by registers

__device__ double square(real x) { return static_cast<double>(x) * static_cast<double>(x); }

// partial_b = the sum of x_i^2 over the elements of block b of the grid.
template <int kWidth>
__global__ __launch_bounds__(kBlock, 8) void sum_squares(Index n, const real* x, double* partial) {
  constexpr int kAhead = 2;  // loads in flight
  const Index step = Index{gridDim.x} * kBlock * kWidth;
  double sum = 0;
#pragma unroll 1
  for (Index first = (Index{blockIdx.x} * kBlock + threadIdx.x) * kWidth; first < n; first += kAhead * step) {
    Pack<kWidth> next[kAhead];
#pragma unroll
    for (int j = 0; j < kAhead; ++j) {
      const Index i = first + j * step;
      next[j] = i + kWidth <= n ? load<kWidth>(x + i) : Pack<kWidth>{};
    }
#pragma unroll
    for (int j = 0; j < kAhead; ++j)
#pragma unroll
      for (int k = 0; k < kWidth; ++k) sum += square(next[j].of[k]);
  }
  // The elements after the last whole pack.
  if (blockIdx.x == 0 && threadIdx.x < n % kWidth) sum += square(x[n - 1 - threadIdx.x]);
  sum = block_reduce(sum, Plus{}, 0.0);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// A single block.
__global__ __launch_bounds__(kNormPartials) void conclude(Index partials, const double* partial,
                                                          const real* cost, const Schedule* schedule,
                                                          Progress* progress) {
  const double mine = threadIdx.x < partials ? partial[threadIdx.x] : 0;
  const double norm = std::sqrt(block_reduce(mine, Plus{}, 0.0));
  if (threadIdx.x > 0) return;
  const double sum = cost[0];
  const bool ok = isfinite(norm) && isfinite(sum);
  progress->cost = sum;
  progress->norm = norm;
  progress->factor = clip_factor(norm, schedule->clip_norm);
  progress->applied += ok ? 1 : 0;
  progress->ok = ok ? 1 : 0;
}

template <int kWidth, class Rule, class... Packs>
__device__ void apply(const Rule& rule, const Pack<kWidth>& read, Packs&... changed) {
#pragma unroll
  for (int k = 0; k < kWidth; ++k) rule(read.of[k], changed.of[k]...);
}

// One pack of each block of memory.
template <int kWidth, class Rule, class... Blocks>
__device__ void update_pack(const Rule& rule, const real* read, Blocks*... changed) {
  const auto update = [&](auto... packs) {
    apply(rule, load<kWidth>(read), packs...);
    (store(changed, packs), ...);
  };
  update(load<kWidth>(changed)...);
}

// Calls rule(read_i, changed_i...) for each i < n, unless progress says to skip the update.
template <int kWidth, class Rule, class... Blocks>
__global__ __launch_bounds__(kBlock, kResident) void apply_rule(Index n, const Schedule* schedule,
                                                                const Progress* progress, const real* read,
                                                                Blocks*... changed) {
  if (!progress->ok) return;
  __shared__ Rule shared;
  if (threadIdx.x == 0) shared = Rule::of(*schedule, *progress);
  __syncthreads();  // the rule is complete
  const Rule rule = shared;
  const Index stride = Index{gridDim.x} * kBlock * kWidth;
  Index i = (Index{blockIdx.x} * kBlock + threadIdx.x) * kWidth;
#pragma unroll 1
  for (; i + kWidth <= n; i += stride) update_pack<kWidth>(rule, read + i, changed + i...);
#pragma unroll 1
  for (; i < n; ++i) update_pack<1>(rule, read + i, changed + i...);  // the incomplete last pack
}

}  // namespace

void measure(Index n, const real* gradient, const real* cost, const Schedule* schedule, double* partial,
             Progress* progress) {
  Index partials = 0;
  with_width(aligned(gradient), [&](auto width) {
    partials = std::clamp<Index>(blocks_for(n, kBlock * width), 1, kNormPartials);
    launch("measure: squares", sum_squares<width>, as_blocks(partials), kBlock, n, gradient, partial);
  });
  launch("measure", conclude, 1, kNormPartials, partials, partial, cost, schedule, progress);
}

template <class Rule, class... Blocks>
void update(Index n, const Schedule* schedule, const Progress* progress, const real* read,
            Blocks*... changed) {
  static_assert(sizeof...(Blocks) == Rule::kBlocks + 1, "what the rule keeps, and the parameters");
  with_width(many(n) && aligned(read, changed...), [&](auto width) {
    const Index blocks =
        std::min<Index>(blocks_for(n, kBlock * width), kResident * context().multiprocessors);
    launch(Rule::kName, apply_rule<width, Rule, Blocks...>, as_blocks(blocks), kBlock, n, schedule, progress,
           read, changed...);
  });
}

template void update<Sgd>(Index, const Schedule*, const Progress*, const real*, real*);
template void update<Adam>(Index, const Schedule*, const Progress*, const real*, real*, real*, real*);
template void update<Adadelta>(Index, const Schedule*, const Progress*, const real*, real*, real*, real*);
template void update<Approach>(Index, const Schedule*, const Progress*, const real*, real*);

}  // namespace mininmt::cuda
