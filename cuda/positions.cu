// Position codes added to embeddings (ops/positions.h): a thread per step and column computes the code once
// for all sentences.
#include "cuda/positions.h"

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

__global__ void __launch_bounds__(kBlock)
    with_positions(Index steps, Index batch, Index d, real factor, Index first, const real* x, real* y) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x, t = i / d, column = i % d;
  if (t >= steps) return;
  const real code = position_code(first + t, column, d);
  for (Index row = t * batch; row < (t + 1) * batch; ++row)
    y[row * d + column] = factor * x[row * d + column] + code;
}

}  // namespace

void add_positions(Index steps, Index batch, Index d, real factor, Index first, const real* x, real* y) {
  launch("add_positions", with_positions, dim3(blocks_for(steps * d, kBlock)), kBlock, steps, batch, d,
         factor, first, x, y);
}

}  // namespace mininmt::cuda
