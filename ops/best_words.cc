#include "ops/output.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "ops/softmax_xent.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

BestWords best_words_on_cuda(const Tensor& logits, const Tensor& bias, std::int64_t k, bool bar_unk,
                             const Indices& bar_eos) {
  BestWords best;
  if constexpr (kHasCuda) {
    // One block, so that one copy brings everything to the host.
    const std::int64_t rows = logits.shape()[0], words = logits.shape()[1], count = rows * k;
    const std::int64_t words_size =
        (count * static_cast<std::int64_t>(sizeof(Id)) + sizeof(real) - 1) / sizeof(real);
    const Tensor all({rows + count + words_size}, logits.memory());
    real* const log_sum = all.data();
    real* const top = log_sum + rows;
    cuda::top_k(rows, words, k, logits.data(), bias.data(), bar_unk ? kUnk : kNone, kEos,
                bar_eos.in(logits.memory()), log_sum, top, reinterpret_cast<Id*>(top + count));
    const Tensor host = all.to(cpu_memory());
    best.log_sum.assign(host.data(), host.data() + rows);
    best.logit.assign(host.data() + rows, host.data() + rows + count);
    best.word.resize(static_cast<std::size_t>(count));
    std::memcpy(best.word.data(), host.data() + rows + count, best.word.size() * sizeof(Id));
  }
  return best;
}

struct Candidate {
  real logit;
  Id word;
};

bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.word < b.word;
}

MININMT_VECTORIZED bool any_above(std::int64_t size, const real* x, real threshold) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (std::int64_t i = 0; i < size; ++i) found |= x[i] > threshold;
  return found != 0;
}

// The k best of a row, in `heap`. Blocks without a value above the current worst are skipped, so most of the
// vocabulary is read once and never sorted.
void find_best(std::int64_t words, const real* logits, std::size_t k, std::vector<Candidate>& heap) {
  constexpr std::int64_t kBlock = 256;
  heap.clear();
  for (std::int64_t first = 0; first < words; first += kBlock) {
    const std::int64_t count = std::min(kBlock, words - first);
    if (heap.size() == k && !any_above(count, logits + first, heap.front().logit)) continue;
    for (std::int64_t w = first; w < first + count; ++w) {
      const Candidate c{logits[w], static_cast<Id>(w)};
      if (c.logit == -std::numeric_limits<real>::infinity()) continue;
      if (heap.size() == k) {
        if (!better(c, heap.front())) continue;
        std::pop_heap(heap.begin(), heap.end(), better);
        heap.back() = c;
      } else {
        heap.push_back(c);
      }
      std::push_heap(heap.begin(), heap.end(), better);
    }
  }
  std::sort(heap.begin(), heap.end(), better);
}

BestWords best_words_on_cpu(const Tensor& logits, const Tensor& bias, std::int64_t k, bool bar_unk,
                            const Indices& bar_eos) {
  constexpr real kBarred = -std::numeric_limits<real>::infinity();
  const std::int64_t rows = logits.shape()[0], words = logits.shape()[1];
  BestWords best;
  best.log_sum.resize(static_cast<std::size_t>(rows));
  best.logit.resize(static_cast<std::size_t>(rows * k));
  best.word.assign(static_cast<std::size_t>(rows * k), kNone);
  parallel_for(rows, 8 * words, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Candidate> heap;
    for (std::int64_t i = begin; i < end; ++i) {
      real* const row = logits.data() + i * words;  // in the cache from here on
      if (bias.defined()) add_to(words, bias.data(), row);
      best.log_sum[i] = log_sum_exp(words, row);
      if (bar_unk && kUnk < words) row[kUnk] = kBarred;
      if (!bar_eos.empty() && bar_eos[i] != 0) row[kEos] = kBarred;
      find_best(words, row, static_cast<std::size_t>(k), heap);
      for (std::size_t c = 0; c < heap.size(); ++c) {
        best.logit[i * k + static_cast<std::int64_t>(c)] = heap[c].logit;
        best.word[i * k + static_cast<std::int64_t>(c)] = heap[c].word;
      }
    }
  });
  return best;
}

}  // namespace

BestWords best_words(const Tensor& logits, const Tensor& bias, std::int64_t k, bool bar_unk,
                     const Indices& bar_eos) {
  check_rank("best_words", "logits", logits.shape(), 2, 2);
  if (bias.defined()) check_shape("best_words", "bias", bias.shape(), {logits.shape()[1]});
  if (k < 1) throw Error(join("[best_words] (k) must be 1 or more but is ", k));
  if (!bar_eos.empty())
    check_shape("best_words", "bar_eos", {static_cast<std::int64_t>(bar_eos.size())}, {logits.shape()[0]});
  if (kHasCuda && logits.on_cuda()) return best_words_on_cuda(logits, bias, k, bar_unk, bar_eos);
  return best_words_on_cpu(logits, bias, k, bar_unk, bar_eos);
}

}  // namespace mininmt
