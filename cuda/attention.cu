// The attention step forward (ops/attention.h). Each row's positions are cut into chunks, a block per chunk:
// scores with a warp per position, then the chunk's part of the context with threads over the columns. A
// second kernel combines the chunks of a row; a row with one chunk needs none. Floor: keys and values once.
#include <cmath>

#include "cuda/vector.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;
constexpr int kTile = kWarp;      // positions whose scores a block holds at a time: one per lane
constexpr int kKeysInFlight = 4;  // packs a thread loads before it uses the first
constexpr int kValuesInFlight = 8;
[[maybe_unused]] constexpr int kResident = sizeof(real) == 4 ? 4 : 1;  // blocks per multiprocessor
constexpr real kLeast = -INFINITY;

// v . tanh(query + key), or query . key; computed by a warp; all lanes get it.
template <int kWidth, bool kDot>
__device__ real score(int align, const real* query, const real* key, const real* v) {
  constexpr int kStride = kWarp * kWidth;
  real sum = 0;
  for (int first = static_cast<int>(threadIdx.x % kWarp) * kWidth; first < align;
       first += kKeysInFlight * kStride) {
    Pack<kWidth> k[kKeysInFlight];
#pragma unroll
    for (int u = 0; u < kKeysInFlight; ++u)
      k[u] = first + u * kStride < align ? load<kWidth>(key + first + u * kStride) : Pack<kWidth>{};
#pragma unroll
    for (int u = 0; u < kKeysInFlight; ++u) {
      const int column = first + u * kStride;
      if (column >= align) break;
      const auto q = load<kWidth>(query + column);
      if constexpr (kDot) {
        for (int i = 0; i < kWidth; ++i) sum += q.of[i] * k[u].of[i];
      } else {
        const auto w = load<kWidth>(v + column);
        for (int i = 0; i < kWidth; ++i) sum += w.of[i] * mininmt::tanh(q.of[i] + k[u].of[i]);
      }
    }
  }
  return warp_reduce(sum, Plus{});
}

// sum + sum_j weights_j x_j, j < count, where the x_j are `stride` apart.
template <int kWidth>
__device__ Pack<kWidth> add_weighted(Pack<kWidth> sum, int count, const real* weights, const real* first,
                                     Index stride) {
  for (int begin = 0; begin < count; begin += kValuesInFlight) {
    Pack<kWidth> x[kValuesInFlight];
#pragma unroll
    for (int u = 0; u < kValuesInFlight; ++u)
      x[u] = begin + u < count ? load<kWidth>(first + (begin + u) * stride) : Pack<kWidth>{};
#pragma unroll
    for (int u = 0; u < kValuesInFlight; ++u) {
      if (begin + u >= count) break;
      for (int i = 0; i < kWidth; ++i) sum.of[i] += weights[begin + u] * x[u].of[i];
    }
  }
  return sum;
}

// Intermediate results between the two kernels, per row and chunk.
struct Parts {
  Index chunk, count;  // positions in a chunk, chunks in the longest row
  real* context;       // (rows, count, context): sum_j e^(e_j - largest) values_j
  real* largest;       // (rows, count) of the scores e_j
  real* sum;           // (rows, count): sum_j e^(e_j - largest)
};

// Block (row, chunk). Writes unnormalised scores to alpha, and context and sum to `parts`; the final results
// if there is only one chunk. Chunks of more than kTile positions rescale the sums when a larger score comes.
template <int kWidth, bool kDot>
__global__ void __launch_bounds__(kBlock, kResident)
    attend_chunk(AttentionOperands a, Parts parts, const real* query, real* alpha, real* context) {
  __shared__ real scores[kTile], weights[kWarps][kTile];
  const Index row = blockIdx.x, part = row * parts.count + blockIdx.y;
  const Index b = a.sentence_of_row ? a.sentence_of_row[row] : row;
  const Index begin = blockIdx.y * parts.chunk, end = std::min(begin + parts.chunk, Index{a.lengths[b]});
  if (begin >= end) return;  // the sentence is shorter; the same for all threads
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const bool whole = parts.count == 1;
  real* const row_alpha = alpha + row * a.steps;
  real* const sums = whole ? context + row * a.context : parts.context + part * a.context;
  real largest = kLeast, sum = 0;  // over the tiles so far, in every thread

  for (Index tile = begin; tile < end; tile += kTile) {
    const int count = static_cast<int>(std::min(Index{kTile}, end - tile));
    for (int j = warp; j < count; j += kWarps) {
      const real e = score<kWidth, kDot>(static_cast<int>(a.align), query + row * a.align,
                                         a.keys + ((tile + j) * a.batch + b) * a.align, a.v);
      if (lane == 0) scores[j] = row_alpha[tile + j] = e;
    }
    __syncthreads();  // the tile's scores are complete

    // Each warp computes the weights itself, which saves a barrier.
    const real e = lane < count ? scores[lane] : kLeast;
    const real before = largest;
    largest = Larger{}(before, warp_reduce(e, Larger{}));
    const real scale = tile > begin ? mininmt::exp(before - largest) : 0;
    const real weight = lane < count ? mininmt::exp(e - largest) : 0;
    sum = scale * sum + warp_reduce(weight, Plus{});
    weights[warp][lane] = weight;
    __syncwarp();  // the warp's weights are complete

    const real factor = whole && tile + kTile >= end ? 1 / sum : 1;
    const real* const values = a.values + (tile * a.batch + b) * a.context;
    for (Index column = threadIdx.x * kWidth; column < a.context; column += kBlock * kWidth) {
      auto x = Pack<kWidth>{};
      if (tile > begin) {
        x = load<kWidth>(sums + column);
        for (int i = 0; i < kWidth; ++i) x.of[i] *= scale;
      }
      x = add_weighted<kWidth>(x, count, weights[warp], values + column, a.batch * a.context);
      for (int i = 0; i < kWidth; ++i) x.of[i] *= factor;
      store<kWidth>(sums + column, x);
    }
    __syncthreads();  // the next tile may overwrite scores and weights
  }

  if (whole) {  // this block wrote row_alpha, before a barrier
    for (Index j = threadIdx.x; j < a.steps; j += kBlock)
      row_alpha[j] = j < end ? mininmt::exp(row_alpha[j] - largest) / sum : 0;
  } else if (threadIdx.x == 0) {
    parts.largest[part] = largest;
    parts.sum[part] = sum;
  }
}

// Grid (rows, .), the blocks of a row over its columns and positions. alpha = softmax of the scores in it;
// context = the sum of the chunks' parts, rescaled to the same maximum.
template <int kWidth>
__global__ void __launch_bounds__(kBlock)
    join_chunks(AttentionOperands a, Parts parts, real* alpha, real* context) {
  const Index row = blockIdx.x, b = a.sentence_of_row ? a.sentence_of_row[row] : row;
  const Index length = a.lengths[b], count = (length + parts.chunk - 1) / parts.chunk;
  const real* const of_chunk = parts.largest + row * parts.count;
  const real* const sum_of_chunk = parts.sum + row * parts.count;
  const int lane = threadIdx.x % kWarp;

  real largest = kLeast, sum = 0;
  for (Index i = lane; i < count; i += kWarp) largest = Larger{}(largest, of_chunk[i]);
  largest = warp_reduce(largest, Larger{});
  for (Index i = lane; i < count; i += kWarp) sum += mininmt::exp(of_chunk[i] - largest) * sum_of_chunk[i];
  sum = warp_reduce(sum, Plus{});

  const Index thread = blockIdx.y * Index{kBlock} + threadIdx.x, threads = gridDim.y * Index{kBlock};
  for (Index column = thread * kWidth; column < a.context; column += threads * kWidth) {
    const real* const x = parts.context + row * parts.count * a.context + column;
    auto total = Pack<kWidth>{};
#pragma unroll 4
    for (Index i = 0; i < count; ++i) {
      const auto part = load<kWidth>(x + i * a.context);
      const real scale = mininmt::exp(of_chunk[i] - largest);
      for (int k = 0; k < kWidth; ++k) total.of[k] += scale * part.of[k];
    }
    for (int k = 0; k < kWidth; ++k) total.of[k] /= sum;
    store<kWidth>(context + row * a.context + column, total);
  }
  for (Index j = thread; j < a.steps; j += threads) {
    real& x = alpha[row * a.steps + j];
    x = j < length ? mininmt::exp(x - largest) / sum : 0;
  }
}

// The chunk size for which the blocks fill the GPU once, a multiple of a block's warps; whole rows if the
// rows alone are enough.
Index positions_in_chunk(Index rows, Index steps) {
  const Index multiprocessors = cuda::context().multiprocessors;
  if (rows >= 2 * multiprocessors) return steps;
  const Index chunks = blocks_for(4 * multiprocessors, rows);
  return Index{blocks_for(blocks_for(steps, chunks), kWarps)} * kWarps;
}

template <int kWidth, bool kDot>
void attend_in_packs(const AttentionOperands& a, const real* query, real* alpha, real* context) {
  const Index chunk = positions_in_chunk(a.rows, a.steps), chunks = blocks_for(a.steps, chunk);
  const auto rows = as_blocks(a.rows);
  const dim3 grid(rows, as_blocks(chunks));
  if (chunks == 1)
    return launch("attend_chunk", attend_chunk<kWidth, kDot>, grid, kBlock, a,
                  Parts{chunk, 1, nullptr, nullptr, nullptr}, query, alpha, context);
  const Index parts = a.rows * chunks;
  const Scratch scratch(static_cast<std::size_t>(parts * (a.context + 2)) * sizeof(real));
  real* const sums = scratch.as<real>();
  const Parts places{chunk, chunks, sums, sums + parts * a.context, sums + parts * (a.context + 1)};
  launch("attend_chunk", attend_chunk<kWidth, kDot>, grid, kBlock, a, places, query, alpha, context);
  launch("join_chunks", join_chunks<kWidth>, dim3(rows, blocks_for(a.context, kBlock * kWidth)), kBlock, a,
         places, alpha, context);
}

}  // namespace

void attend(const AttentionOperands& a, const real* query, real* alpha, real* context) {
  if (a.rows == 0) return;
  const bool wide =
      (a.align % kWide | a.context % kWide) == 0 && aligned(query, a.keys, a.v, a.values, context);
  with_width(wide, [&](auto width) {
    if (a.v)
      attend_in_packs<width, false>(a, query, alpha, context);
    else
      attend_in_packs<width, true>(a, query, alpha, context);
  });
}

}  // namespace mininmt::cuda
