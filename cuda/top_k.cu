// The best words of each row, for beam search: a block per row, which it reads once. Floor: the logits once.
#include "cuda/log_sum.cuh"

namespace mininmt::cuda {
namespace {

struct Candidate {
  real logit;
  std::int32_t word;
};

// A logit of -infinity is never a candidate.
__device__ Candidate none() { return {-INFINITY, -1}; }

// Whether a precedes b in the result; false if one is NaN.
__device__ bool before(Candidate a, Candidate b) {
  return a.logit > b.logit || (a.logit == b.logit && a.word < b.word);
}

// The first of the warp's candidates; every lane gets it.
__device__ Candidate first_of_warp(Candidate x) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const Candidate other{__shfl_xor_sync(kAllLanes, x.logit, offset),
                          __shfl_xor_sync(kAllLanes, x.word, offset)};
    if (before(other, x)) x = other;
  }
  return x;
}

// The thread to which scan_row gives this word.
template <int kWidth>
__device__ int owner_of(int word) {
  return word / kWidth % static_cast<int>(blockDim.x);
}

// The owner's first candidate after `last`, found by a warp; every lane gets it.
template <int kWidth>
__device__ Candidate next(int words, const real* logits, const real* bias, int owner, Candidate last) {
  Candidate first = none();
  const int lane = threadIdx.x % kWarp, stride = static_cast<int>(blockDim.x) * kWidth;
  for (int begin = owner * kWidth + lane * stride; begin < words; begin += kWarp * stride)
    for (int word = begin; word < begin + kWidth; ++word) {
      const Candidate x{logits[word] + (bias ? bias[word] : 0), word};
      if (before(last, x) && before(x, first)) first = x;
    }
  return first_of_warp(first);
}

// First, each thread keeps the best two of its words, and each warp the best of its threads'. Then, in
// rounds, the best of the block is taken and its owner advances: to its second, and after that to the next
// one found when its warp rereads the owner's words. That is rare, since the k best of a row seldom fall to
// one thread. Barred words take part like all others, but are skipped in the output.
template <int kWidth>
__global__ void __launch_bounds__(kRowThreads)
    row_top_k(Index words, Index k, const real* logits, const real* __restrict__ bias, std::int32_t unk,
              std::int32_t eos, const std::int32_t* bar_eos, real* log_sum, real* top,
              std::int32_t* top_words) {
  __shared__ Candidate of_warp[kRowThreads / kWarp];
  const int count = static_cast<int>(words), warps = static_cast<int>(blockDim.x) / kWarp;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const Index row = blockIdx.x;
  const bool eos_barred = bar_eos && bar_eos[row] != 0;
  logits += row * words;
  top += row * k;
  top_words += row * k;

  LogSum exponentials;
  Candidate best = none(), second = none();
  scan_row<kWidth>(count, logits, bias, [&](const real(&x)[kBatch], auto word) {
    exponentials.add(x);
    for (int i = 0; i < kBatch; ++i) {  // words ascend, so the first of equal logits stays
      const Candidate candidate{x[i], word(i)};
      const bool leads = x[i] > best.logit, follows = x[i] > second.logit;
      second = leads ? best : follows ? candidate : second;
      best = leads ? candidate : best;
    }
  });
  const real log_sum_exp = exponentials.of_block();
  if (threadIdx.x == 0) log_sum[row] = log_sum_exp;
  const Candidate of_threads = first_of_warp(best);
  if (lane == 0) of_warp[warp] = of_threads;
  __syncthreads();  // the best of all warps are complete

  for (Index i = 0; i < k;) {
    const Candidate taken = first_of_warp(lane < warps ? of_warp[lane] : none());
    const bool over = taken.word < 0;
    const bool barred = taken.word == unk || (eos_barred && taken.word == eos);
    if (over || !barred) {
      if (threadIdx.x == 0) {
        top[i] = taken.logit;
        top_words[i] = taken.word;
      }
      ++i;
    }
    __syncthreads();  // all have read of_warp, so the owner's warp may write
    const int owner = over ? -1 : owner_of<kWidth>(taken.word);
    if (owner >= 0 && owner / kWarp == warp) {
      const bool mine = owner % kWarp == lane;
      if (mine) {
        best = second;
        second = none();
      }
      if (__shfl_sync(kAllLanes, best.word, owner % kWarp) < 0) {
        const Candidate found = next<kWidth>(count, logits, bias, owner, taken);
        if (mine) best = found;
      }
      const Candidate left = first_of_warp(best);
      if (lane == 0) of_warp[warp] = left;
    }
    __syncthreads();  // the owner's warp has written
  }
}

}  // namespace

void top_k(Index rows, Index words, Index k, const real* logits, const real* bias, std::int32_t unk,
           std::int32_t eos, const std::int32_t* bar_eos, real* log_sum, real* top, std::int32_t* top_words) {
  with_width(words % kWide == 0 && aligned(logits, bias), [&](auto width) {
    launch("row_top_k", row_top_k<width>, dim3(as_blocks(rows)), row_threads(words), words, k, logits, bias,
           unk, eos, bar_eos, log_sum, top, top_words);
  });
}

}  // namespace mininmt::cuda
