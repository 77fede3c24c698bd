// Multi-head attention (ops/multi_head_attention.h). Over whole sequences the products are cuBLAS's, and the
// softmax between them has a warp per row. In search one block per hypothesis does all: scores with a warp
// per head and position, softmax with a warp per head, contexts with threads over the columns.
#include <algorithm>
#include <cmath>

#include "cuda/launch.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

constexpr int kWarps = kBlock / kWarp;

__device__ Index row_of_warp() { return Index{blockIdx.x} * kWarps + threadIdx.x / kWarp; }

// Positions that row `row` of the weights (heads of all sentences, queries) attends to.
__device__ Index length_of(const HeadWeights& w, Index row) {
  const Index most = w.lengths ? w.lengths[row / w.queries / w.heads] : w.keys;
  return w.causal ? std::min(most, row % w.queries + 1) : most;
}

// In place: e = softmax(scale e) up to the row's length, exactly 0 beyond.
__global__ void __launch_bounds__(kBlock) weights_of_scores(HeadWeights w, real* e) {
  const Index row = row_of_warp();
  if (row >= w.all * w.queries) return;  // the same for the whole warp
  e += row * w.keys;
  const Index length = length_of(w, row), lane = threadIdx.x % kWarp;
  const real scale = static_cast<real>(w.scale);
  real largest = -INFINITY, sum = 0;
  for (Index j = lane; j < length; j += kWarp) largest = Larger{}(largest, scale * e[j]);
  largest = warp_reduce(largest, Larger{});
  for (Index j = lane; j < length; j += kWarp) sum += e[j] = mininmt::exp(scale * e[j] - largest);
  sum = warp_reduce(sum, Plus{});
  for (Index j = lane; j < w.keys; j += kWarp) e[j] = j < length ? e[j] / sum : 0;
}

// In place: dp becomes scale p (dp - sum_j p_j dp_j).
__global__ void __launch_bounds__(kBlock) gradient_of_scores(HeadWeights w, const real* p, real* dp) {
  const Index row = row_of_warp();
  if (row >= w.all * w.queries) return;  // the same for the whole warp
  p += row * w.keys;
  dp += row * w.keys;
  const Index length = length_of(w, row), lane = threadIdx.x % kWarp;
  real mean = 0;
  for (Index j = lane; j < length; j += kWarp) mean += p[j] * dp[j];
  mean = warp_reduce(mean, Plus{});
  const real scale = static_cast<real>(w.scale);
  for (Index j = lane; j < w.keys; j += kWarp) dp[j] = j < length ? p[j] * (dp[j] - mean) * scale : 0;
}

// A block per hypothesis. weights (rows, heads, count) is scratch.
__global__ void __launch_bounds__(kBlock)
    attend_to_picked(PickedRows o, const real* query, const real* keys, const real* values, real* weights,
                     real* alpha, real* context) {
  const Index row = blockIdx.x, size = o.d / o.heads, lane = threadIdx.x % kWarp;
  const std::int32_t* const picked = o.picked + row * o.count;
  query += row * o.d;
  weights += row * o.heads * o.count;

  for (Index i = threadIdx.x / kWarp; i < o.heads * o.count; i += kWarps) {
    const Index first = i / o.count * size, place = picked[i % o.count];
    real sum = 0;
    if (place >= 0)  // the same for the whole warp
      for (Index c = first + lane; c < first + size; c += kWarp) sum += query[c] * keys[place * o.d + c];
    sum = warp_reduce(sum, Plus{});
    if (lane == 0) weights[i] = place >= 0 ? static_cast<real>(o.scale) * sum : -INFINITY;
  }
  __syncthreads();  // the scores are complete

  for (Index head = threadIdx.x / kWarp; head < o.heads; head += kWarps) {
    real* const e = weights + head * o.count;
    real largest = -INFINITY, sum = 0;
    for (Index j = lane; j < o.count; j += kWarp) largest = Larger{}(largest, e[j]);
    largest = warp_reduce(largest, Larger{});
    for (Index j = lane; j < o.count; j += kWarp)
      sum += e[j] = picked[j] >= 0 ? mininmt::exp(e[j] - largest) : 0;
    sum = warp_reduce(sum, Plus{});
    for (Index j = lane; j < o.count; j += kWarp) e[j] /= sum;
  }
  __syncthreads();  // the weights are complete

  for (Index c = threadIdx.x; c < o.d; c += kBlock) {
    const real* const w = weights + c / size * o.count;
    real sum = 0;
    for (Index j = 0; j < o.count; ++j)
      if (picked[j] >= 0) sum += w[j] * values[picked[j] * o.d + c];
    context[row * o.d + c] = sum;
  }
  for (Index j = threadIdx.x; j < o.count; j += kBlock) {
    real sum = 0;
    for (Index head = 0; head < o.heads; ++head) sum += weights[head * o.count + j];
    alpha[row * o.count + j] = sum / static_cast<real>(o.heads);
  }
}

}  // namespace

void head_weights(const HeadWeights& w, real* e) {
  launch("head_weights", weights_of_scores, dim3(blocks_for(w.all * w.queries, kWarps)), kBlock, w, e);
}

void head_weights_gradient(const HeadWeights& w, const real* p, real* dp) {
  launch("head_weights_gradient", gradient_of_scores, dim3(blocks_for(w.all * w.queries, kWarps)), kBlock, w,
         p, dp);
}

void attend_to_rows(const PickedRows& o, const real* query, const real* keys, const real* values, real* alpha,
                    real* context) {
  const Scratch weights(static_cast<std::size_t>(o.rows * o.heads * o.count) * sizeof(real));
  launch("attend_to_rows", attend_to_picked, dim3(as_blocks(o.rows)), kBlock, o, query, keys, values,
         weights.as<real>(), alpha, context);
}

}  // namespace mininmt::cuda
