// Diagonal attention (ops/diagonal.h): a block per row, threads over its columns.
#include <algorithm>

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

// The offset of annotation min(i, length) of sentence b in h (steps, batch, context).
__device__ Index place_of(Index b, Index batch, Index context, Index i, const std::int32_t* lengths) {
  return ((std::min(i, Index{lengths[b]}) - 1) * batch + b) * context;
}

__global__ void __launch_bounds__(kBlock)
    read_diagonal(Index batch, Index context, Index i, const std::int32_t* lengths,
                  const std::int32_t* sentence_of_row, const real* h, real* y) {
  const Index r = blockIdx.x, b = sentence_of_row ? sentence_of_row[r] : r;
  const real* const row = h + place_of(b, batch, context, i, lengths);
  for (Index column = threadIdx.x; column < context; column += kBlock) y[r * context + column] = row[column];
}

// A sentence's annotations belong to its block: no two blocks write to the same place.
__global__ void __launch_bounds__(kBlock)
    add_to_diagonal(Index batch, Index context, Index i, const std::int32_t* lengths, const real* dy,
                    real* dh) {
  const Index b = blockIdx.x;
  real* const row = dh + place_of(b, batch, context, i, lengths);
  for (Index column = threadIdx.x; column < context; column += kBlock)
    row[column] += dy[b * context + column];
}

}  // namespace

void diagonal(Index rows, Index batch, Index context, Index i, const std::int32_t* lengths,
              const std::int32_t* sentence_of_row, const real* h, real* y) {
  launch("diagonal", read_diagonal, dim3(as_blocks(rows)), kBlock, batch, context, i, lengths,
         sentence_of_row, h, y);
}

void add_diagonal_gradient(Index batch, Index context, Index i, const std::int32_t* lengths, const real* dy,
                           real* dh) {
  launch("add_diagonal_gradient", add_to_diagonal, dim3(as_blocks(batch)), kBlock, batch, context, i, lengths,
         dy, dh);
}

}  // namespace mininmt::cuda
