// Softmax (ops/softmax.h) and softmax with cross-entropy (ops/softmax_xent.h): a block per row, which it
// reads once.
// Floor: the logits once forward; once more backward, and dlogits.
#include "cuda/log_sum.cuh"

namespace mininmt::cuda {
namespace {

// y (n) from x (n) of the block's row, which stays in cache between passes.
__global__ void __launch_bounds__(kRowThreads)
    softmax_of_row(Index n, const std::int32_t* lengths, const real* x, real* y) {
  const Index row = blockIdx.x, length = lengths ? lengths[row] : n;
  x += row * n;
  y += row * n;
  real largest = -INFINITY, sum = 0;
  for (Index j = threadIdx.x; j < length; j += blockDim.x) largest = Larger{}(largest, x[j]);
  largest = block_reduce(largest, Larger{}, real{-INFINITY});
  for (Index j = threadIdx.x; j < length; j += blockDim.x) sum += mininmt::exp(x[j] - largest);
  sum = block_reduce(sum, Plus{}, real{0});
  for (Index j = threadIdx.x; j < n; j += blockDim.x)
    y[j] = j < length ? mininmt::exp(x[j] - largest) / sum : 0;
}

__global__ void __launch_bounds__(kRowThreads)
    softmax_gradient_of_row(Index n, const std::int32_t* lengths, const real* y, const real* dy, real* dx) {
  const Index row = blockIdx.x, length = lengths ? lengths[row] : n;
  y += row * n;
  dy += row * n;
  dx += row * n;
  real mean = 0;
  for (Index j = threadIdx.x; j < length; j += blockDim.x) mean += y[j] * dy[j];
  mean = block_reduce(mean, Plus{}, real{0});
  for (Index j = threadIdx.x; j < length; j += blockDim.x) dx[j] += y[j] * (dy[j] - mean);
}

// Label smoothing: q = (1 - amount) [target] + uniform.
struct Smoothing {
  real amount, uniform;
  Smoothing(double smoothing, Index words)
      : amount(static_cast<real>(smoothing)), uniform(amount / static_cast<real>(words)) {}
};

template <int kWidth>
__global__ void __launch_bounds__(kRowThreads)
    xent(Index words, const real* logits, const real* __restrict__ bias, const std::int32_t* targets,
         Smoothing smoothing, real* loss, real* log_sum) {
  const Index row = blockIdx.x;
  const std::int32_t target = targets[row];
  if (target < 0) {  // the same for all threads
    if (threadIdx.x == 0) loss[row] = log_sum[row] = 0;
    return;
  }
  logits += row * words;
  LogSum exponentials;
  real sum = 0;  // of the logits
  const int count = static_cast<int>(words);
  scan_row<kWidth>(count, logits, bias, [&](const real(&x)[kBatch], auto word) {
    exponentials.add(x);
    for (int i = 0; i < kBatch; ++i) sum += word(i) < count ? x[i] : 0;
  });
  const real log_sum_exp = exponentials.of_block();
  sum = block_reduce(sum, Plus{}, real{0});
  if (threadIdx.x != 0) return;
  const real logit = logits[target] + (bias ? bias[target] : 0);
  log_sum[row] = log_sum_exp;
  loss[row] = (1 - smoothing.amount) * (log_sum_exp - logit);
  if (smoothing.amount > 0) loss[row] += smoothing.amount * log_sum_exp - smoothing.uniform * sum;
}

// Each logit is read by the thread that then writes its gradient: both may be in the same place.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads)
    xent_gradient(Index words, const real* logits, const real* __restrict__ bias, const std::int32_t* targets,
                  Smoothing smoothing, const real* log_sum, const real* dloss, real* dlogits, bool add) {
  constexpr int kPacks = kBatch / kWidth;
  const Index row = blockIdx.x;
  const int target = targets[row], count = static_cast<int>(words);
  const int begin = static_cast<int>(threadIdx.x) * kWidth, stride = static_cast<int>(blockDim.x) * kWidth;
  logits += row * words;
  dlogits += row * words;
  if (target < 0) {
    for (int at = begin; at < count && !add; at += stride) store<kWidth>(dlogits + at, Pack<kWidth>{});
    return;
  }
  const real factor = dloss[row], shift = log_sum[row];
  for (int first = begin; first < count; first += kPacks * stride) {
    Pack<kWidth> x[kPacks], y[kPacks];
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int at = first + p * stride;
      x[p] = at < count ? load<kWidth>(logits + at) : Pack<kWidth>{};
      y[p] = at < count && add ? load<kWidth>(dlogits + at) : Pack<kWidth>{};
    }
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int at = first + p * stride;
      if (at >= count) break;
      const auto b = bias ? load<kWidth>(bias + at) : Pack<kWidth>{};
      for (int k = 0; k < kWidth; ++k) {
        const real q = smoothing.uniform + (at + k == target ? 1 - smoothing.amount : 0);
        y[p].of[k] += factor * (mininmt::exp(x[p].of[k] + b.of[k] - shift) - q);
      }
      store<kWidth>(dlogits + at, y[p]);
    }
  }
}

}  // namespace

void softmax(Index rows, Index n, const std::int32_t* lengths, const real* x, real* y) {
  launch("softmax", softmax_of_row, dim3(as_blocks(rows)), row_threads(n), n, lengths, x, y);
}

void add_softmax_gradient(Index rows, Index n, const std::int32_t* lengths, const real* y, const real* dy,
                          real* dx) {
  launch("add_softmax_gradient", softmax_gradient_of_row, dim3(as_blocks(rows)), row_threads(n), n, lengths,
         y, dy, dx);
}

void softmax_xent(Index rows, Index words, const real* logits, const real* bias, const std::int32_t* targets,
                  double smoothing, real* loss, real* log_sum) {
  with_width(words % kWide == 0 && aligned(logits, bias), [&](auto width) {
    launch("xent", xent<width>, dim3(as_blocks(rows)), row_threads(words), words, logits, bias, targets,
           Smoothing(smoothing, words), loss, log_sum);
  });
}

void softmax_xent_gradient(Index rows, Index words, const real* logits, const real* bias,
                           const std::int32_t* targets, double smoothing, const real* log_sum,
                           const real* dloss, real* dlogits, bool add) {
  with_width(words % kWide == 0 && aligned(logits, bias, dlogits), [&](auto width) {
    launch("xent_gradient", xent_gradient<width>, dim3(as_blocks(rows)), row_threads(words), words, logits,
           bias, targets, Smoothing(smoothing, words), log_sum, dloss, dlogits, add);
  });
}

}  // namespace mininmt::cuda
