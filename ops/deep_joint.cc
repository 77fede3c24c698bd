#include "ops/deep_joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/logits.h"
#include "ops/rows.h"
#include "ops/softmax_xent.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

constexpr std::int64_t kLogitsInChunk = 1 << 24;  // numbers
constexpr real kLeastShare = std::is_same_v<real, float> ? static_cast<real>(1e-6) : 0;

MININMT_VECTORIZED void maxout_of_sum(std::int64_t l, const real* query, const real* key, real* t) {
#pragma omp simd
  for (std::int64_t i = 0; i < l; ++i) {
    const real first = query[2 * i] + key[2 * i], second = query[2 * i + 1] + key[2 * i + 1];
    t[i] = first >= second ? first : second;
  }
}

MININMT_VECTORIZED void add_maxout_of_sum_gradient(std::int64_t l, const real* query, const real* key,
                                                   const real* dt, real* dquery, real* dkey) {
#pragma omp simd
  for (std::int64_t i = 0; i < l; ++i) {
    const bool is_first = query[2 * i] + key[2 * i] >= query[2 * i + 1] + key[2 * i + 1];
    const real first = is_first ? dt[i] : 0, second = is_first ? 0 : dt[i];
    dquery[2 * i] += first;
    dquery[2 * i + 1] += second;
    dkey[2 * i] += first;
    dkey[2 * i + 1] += second;
  }
}

MININMT_VECTORIZED void scale_by(std::int64_t l, const real* mask, real* t) {
#pragma omp simd
  for (std::int64_t i = 0; i < l; ++i) t[i] *= mask[i];
}

// The sizes and operands of all functions below.
struct Pass {
  DeepJoint joint;
  Cells cells;
  std::int64_t N, S, B, V, l;

  Pass(const char* op, const DeepJoint& of, const Cells& at)
      : joint(of),
        cells(at),
        N(at.words()),
        S(of.keys.shape()[0]),
        B(at.sentences()),
        V(of.W.shape()[0]),
        l(of.W.shape()[1]) {
    cells.check(op, joint.keys.shape());
    check_shape(op, "keys", joint.keys.shape(), {S, B, 2 * l});
    check_shape(op, "query", joint.query.shape(), {N, 2 * l});
    check_shape(op, "bias", joint.bias.shape(), {V});
    if (joint.mask.defined()) check_shape(op, "mask", joint.mask.shape(), {N, l});
  }

  const real* query(std::int64_t n) const { return joint.query.value().data() + n * 2 * l; }
  const real* key(std::int64_t row) const { return joint.keys.value().data() + row * 2 * l; }
  const real* mask(std::int64_t n) const {
    return joint.mask.defined() ? joint.mask.data() + n * l : nullptr;
  }
};

// --- On the host: a list of cells -----------------------------------------------------------------------

struct Cell {
  std::int64_t n, j, b;
  bool bar_eos;
};

// t (l) of word n and a row of the keys
void set_readout(const Pass& pass, std::int64_t n, std::int64_t key, real* t) {
  maxout_of_sum(pass.l, pass.query(n), pass.key(key), t);
  if (pass.mask(n)) scale_by(pass.l, pass.mask(n), t);
}

// t (cells, l), and the logits (cells, V).
struct Chunk {
  Tensor t, logits;
};

Chunk compute(const Pass& pass, const std::vector<Cell>& list) {
  const std::int64_t count = static_cast<std::int64_t>(list.size());
  const Chunk chunk{Tensor({count, pass.l}), Tensor({count, pass.V})};
  parallel_for(count, 4 * pass.l, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Cell& cell = list[i];
      set_readout(pass, cell.n, cell.j * pass.B + cell.b, chunk.t.data() + i * pass.l);
    }
  });
  gemm(count, pass.V, pass.l, {chunk.t.data(), pass.l}, {pass.joint.W.value().data(), pass.l, true},
       chunk.logits.data(), pass.V, false);
  parallel_for(count, pass.V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      real* const logits = chunk.logits.data() + i * pass.V;
      set_logits(pass.V, logits, pass.joint.bias.value().data(), list[i].bar_eos, logits);
    }
  });
  return chunk;
}

// Calls use(list, chunk) with the cells for which keep(n, j), in order, some at a time.
template <class Keep, class Use>
void for_chunks(const Pass& pass, const Keep& keep, const Use& use) {
  const std::size_t most = static_cast<std::size_t>(std::max<std::int64_t>(1, kLogitsInChunk / pass.V));
  std::vector<Cell> list;
  const auto finish = [&] {
    if (!list.empty()) use(list, compute(pass, list));
    list.clear();
  };
  for (std::int64_t n = 0; n < pass.N; ++n) {
    const std::int64_t b = pass.cells.sentence_of(n), length = b == kNone ? 0 : pass.cells.lengths[b];
    for (std::int64_t j = 0; j < length; ++j) {
      if (keep(n, j)) list.push_back({n, j, b, pass.cells.bars_eos(j, b)});
      if (list.size() == most) finish();
    }
  }
  finish();
}

constexpr auto kAllCells = [](std::int64_t, std::int64_t) { return true; };

// w and log_sum (N, S).
void set_log_p(const Pass& pass, const Indices& targets, const Tensor& w, const Tensor& log_sum) {
  w.fill(0);
  for_chunks(pass, kAllCells, [&](const std::vector<Cell>& list, const Chunk& chunk) {
    parallel_for(static_cast<std::int64_t>(list.size()), 8 * pass.V, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = from; i < to; ++i) {
        const real* const logits = chunk.logits.data() + i * pass.V;
        const std::int64_t at = list[i].n * pass.S + list[i].j;
        log_sum.data()[at] = log_sum_exp(pass.V, logits);
        w.data()[at] = logits[targets[list[i].n]] - log_sum.data()[at];
      }
    });
  });
}

// Turns the logits into their gradients.
void set_logit_gradients(const Pass& pass, const std::vector<Cell>& list, const Indices& targets,
                         const Tensor& log_sum, const Tensor& dw, const Tensor& logits) {
  parallel_for(static_cast<std::int64_t>(list.size()), 8 * pass.V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t at = list[i].n * pass.S + list[i].j;
      real* const row = logits.data() + i * pass.V;
      set_probabilities(pass.V, -dw.data()[at], log_sum.data()[at], row);
      row[targets[list[i].n]] += dw.data()[at];
    }
  });
}

// dquery and dkeys += from dt (cells, l), which is overwritten. A sentence's rows belong to one thread.
void add_input_gradients(const Pass& pass, const std::vector<Cell>& list, const Tensor& dt,
                         const Tensor& dquery, const Tensor& dkeys) {
  std::vector<std::vector<std::int64_t>> cells_of_sentence(static_cast<std::size_t>(pass.B));
  for (std::size_t i = 0; i < list.size(); ++i)
    cells_of_sentence[list[i].b].push_back(static_cast<std::int64_t>(i));
  const std::int64_t cost = 8 * pass.l * static_cast<std::int64_t>(list.size()) / pass.B;
  parallel_for(pass.B, cost, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      for (const std::int64_t i : cells_of_sentence[b]) {
        const Cell& cell = list[i];
        const std::int64_t key = cell.j * pass.B + b;
        real* const d = dt.data() + i * pass.l;
        if (pass.mask(cell.n)) scale_by(pass.l, pass.mask(cell.n), d);
        add_maxout_of_sum_gradient(pass.l, pass.query(cell.n), pass.key(key), d,
                                   dquery.data() + cell.n * 2 * pass.l, dkeys.data() + key * 2 * pass.l);
      }
  });
}

void add_gradients(const Pass& pass, const Indices& targets, const Tensor& log_sum, const Tensor& dw) {
  const auto [query, keys, W, bias, mask] = pass.joint;
  const Tensor dquery = gradient_or_zeros(query), dkeys = gradient_or_zeros(keys);
  std::vector<real> least(static_cast<std::size_t>(pass.N), 0);
  for (std::int64_t n = 0; n < pass.N; ++n)
    for (std::int64_t j = 0; j < pass.S; ++j) least[n] += kLeastShare * std::abs(dw.data()[n * pass.S + j]);
  const auto keep = [&, S = pass.S](std::int64_t n, std::int64_t j) {
    return !(std::abs(dw.data()[n * S + j]) < least[n]);  // NaN is kept
  };
  for_chunks(pass, keep, [&, W = W, bias = bias](const std::vector<Cell>& list, const Chunk& chunk) {
    const std::int64_t count = static_cast<std::int64_t>(list.size());
    set_logit_gradients(pass, list, targets, log_sum, dw, chunk.logits);
    if (bias.needs_gradient()) add_sum_of_rows(chunk.logits, bias.gradient());
    if (W.needs_gradient())
      gemm(pass.V, pass.l, count, {chunk.logits.data(), pass.V, true}, {chunk.t.data(), pass.l},
           W.gradient().data(), pass.l, true);
    gemm(count, pass.l, pass.V, {chunk.logits.data(), pass.V}, {W.value().data(), pass.l}, chunk.t.data(),
         pass.l, false);
    add_input_gradients(pass, list, chunk.t, dquery, dkeys);
  });
}

void set_mixture(const Pass& pass, const Tensor& weights, const Mixed& mixed) {
  const auto keep = [&](std::int64_t n, std::int64_t j) {
    if (!weights.defined() || weights.data()[n * pass.S + j] != 0) return true;  // NaN is kept
    mixed.log_z.data()[n * pass.S + j] = std::numeric_limits<real>::infinity();
    return false;
  };
  for_chunks(pass, keep, [&](const std::vector<Cell>& list, const Chunk& chunk) {
    const std::int64_t first = list.front().n, words = list.back().n + 1 - first;
    std::vector<std::int64_t> begin_of(static_cast<std::size_t>(words) + 1, 0);  // each word's cells
    for (const Cell& cell : list) ++begin_of[cell.n - first + 1];
    for (std::int64_t i = 0; i < words; ++i) begin_of[i + 1] += begin_of[i];
    parallel_for(words, 16 * pass.S * pass.V, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = begin_of[from]; c < begin_of[to]; ++c) {
        const std::int64_t n = list[c].n, at = n * pass.S + list[c].j;
        const real* const logits = chunk.logits.data() + c * pass.V;
        const real log_z = log_sum_exp(pass.V, logits);
        mixed.log_z.data()[at] = log_z;
        if (weights.defined())
          add_probabilities(pass.V, weights.data()[at], log_z, logits, mixed.log_p.data() + n * pass.V);
      }
    });
  });
  if (weights.defined())
    parallel_for(pass.N, 4 * pass.V, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) set_logarithms(pass.V, mixed.log_p.data() + n * pass.V);
    });
}

// w (N, S) is 0.
void set_picked_log_p(const Pass& pass, const Indices& targets, const Tensor& log_z, const Tensor& w) {
  const auto& [query, keys, W, bias, mask] = pass.joint;
  if constexpr (kHasCuda)
    if (w.on_cuda())
      return cuda::pick_logits(pass.cells.in(w.memory(), pass.S), pass.l, pass.query(0), pass.key(0),
                               pass.mask(0), W.value().data(), bias.value().data(), targets.in(w.memory()),
                               log_z.data(), w.data());
  std::vector<real> t(static_cast<std::size_t>(pass.l));
  for (std::int64_t n = 0; n < pass.N; ++n) {
    const std::int64_t b = pass.cells.sentence_of(n), length = b == kNone ? 0 : pass.cells.lengths[b];
    for (std::int64_t j = 0; j < length; ++j) {
      const Id y = targets[n];
      set_readout(pass, n, j * pass.B + b, t.data());
      const real logit = dot(pass.l, t.data(), W.value().data() + y * pass.l) + bias.value().data()[y];
      w.data()[n * pass.S + j] = y == kEos && pass.cells.bars_eos(j, b)
                                     ? -std::numeric_limits<real>::infinity()
                                     : logit - log_z.data()[n * pass.S + j];
    }
  }
}

// --- On the GPU: all S positions of each word, so that nothing depends on the lengths ----------------------

// t, the logits without bias, and the targets (words * S), kNone at padding, of words [first, first + words).
struct CudaChunk {
  cuda::CellChunk at;
  std::int64_t first_cell, cells;
  Tensor t, logits, targets;  // the targets are Ids in the memory of as many reals
  Id* ids() const { return reinterpret_cast<Id*>(targets.data()); }
};

CudaChunk compute_on_cuda(const Pass& pass, std::int64_t first, std::int64_t words, const Indices& targets) {
  static_assert(sizeof(Id) <= sizeof(real));
  Memory& memory = pass.joint.keys.value().memory();
  const std::int64_t count = words * pass.S;
  const CudaChunk chunk{{pass.cells.in(memory, pass.S), first, words},
                        first * pass.S,
                        count,
                        Tensor({count, pass.l}, memory),
                        Tensor({count, pass.V}, memory),
                        Tensor({count}, memory)};
  if constexpr (kHasCuda) {
    cuda::maxout_of_cells(chunk.at, pass.l, pass.query(0), pass.key(0), pass.mask(0), targets.in(memory),
                          chunk.t.data(), chunk.ids());
    gemm(memory, count, pass.V, pass.l, {chunk.t.data(), pass.l}, {pass.joint.W.value().data(), pass.l, true},
         chunk.logits.data(), pass.V, false);
    if (pass.cells.late_end) cuda::bar_end(chunk.at, pass.V, chunk.logits.data());
  }
  return chunk;
}

// Calls use(chunk) for all words, some at a time.
template <class Use>
void for_chunks_on_cuda(const Pass& pass, const Indices& targets, const Use& use) {
  const std::int64_t most = std::max<std::int64_t>(1, kLogitsInChunk / (pass.S * pass.V));
  for (std::int64_t first = 0; first < pass.N; first += most)
    use(compute_on_cuda(pass, first, std::min(pass.N - first, most), targets));
}

void set_log_p_on_cuda(const Pass& pass, const Indices& targets, const Tensor& w, const Tensor& log_sum) {
  if constexpr (kHasCuda)
    for_chunks_on_cuda(pass, targets, [&](const CudaChunk& chunk) {
      real* const part = w.data() + chunk.first_cell;
      cuda::softmax_xent(chunk.cells, pass.V, chunk.logits.data(), pass.joint.bias.value().data(),
                         chunk.ids(), 0, part, log_sum.data() + chunk.first_cell);
      cuda::scale(chunk.cells, -1, part, part);
    });
}

void add_gradients_on_cuda(const Pass& pass, const Indices& targets, const Tensor& log_sum,
                           const Tensor& dw) {
  if constexpr (kHasCuda)
    for_chunks_on_cuda(pass, targets, [&](const CudaChunk& chunk) {
      const auto& [query, keys, W, bias, mask] = pass.joint;
      Memory& memory = dw.memory();
      const Tensor dloss({chunk.cells}, memory);
      cuda::scale(chunk.cells, -1, dw.data() + chunk.first_cell, dloss.data());
      cuda::softmax_xent_gradient(chunk.cells, pass.V, chunk.logits.data(), bias.value().data(), chunk.ids(),
                                  0, log_sum.data() + chunk.first_cell, dloss.data(), chunk.logits.data(),
                                  false);
      if (bias.needs_gradient()) add_sum_of_rows(chunk.logits, bias.gradient());
      if (W.needs_gradient())
        gemm(memory, pass.V, pass.l, chunk.cells, {chunk.logits.data(), pass.V, true},
             {chunk.t.data(), pass.l}, W.gradient().data(), pass.l, true);
      gemm(memory, chunk.cells, pass.l, pass.V, {chunk.logits.data(), pass.V}, {W.value().data(), pass.l},
           chunk.t.data(), pass.l, false);
      cuda::add_maxout_of_cells_gradient(chunk.at, pass.l, pass.query(0), pass.key(0), pass.mask(0),
                                         chunk.t.data(), gradient_or_null(query), gradient_or_null(keys));
    });
}

void set_mixture_on_cuda(const Pass& pass, const Tensor& weights, const Mixed& mixed) {
  if constexpr (kHasCuda) {
    const Indices any(std::vector<std::int32_t>(static_cast<std::size_t>(pass.N), kEos));
    for_chunks_on_cuda(pass, any, [&](const CudaChunk& chunk) {
      cuda::mix_logits(chunk.at, pass.V, chunk.logits.data(), pass.joint.bias.value().data(), weights.data(),
                       mixed.log_z.data(), mixed.log_p.data());
    });
  }
}

}  // namespace

Var cell_log_p(const DeepJoint& joint, const Cells& cells, const Indices& targets) {
  const Pass pass("cell_log_p", joint, cells);
  check_cell_targets("cell_log_p", cells, targets, pass.V);
  Memory& memory = joint.keys.value().memory();
  const Tensor w({pass.N, pass.S}, memory), log_sum({pass.N, pass.S}, memory);
  const bool on_cuda = kHasCuda && w.on_cuda();
  on_cuda ? set_log_p_on_cuda(pass, targets, w, log_sum) : set_log_p(pass, targets, w, log_sum);
  return joint.query.tape->record("cell_log_p", w, {joint.query, joint.keys, joint.W, joint.bias},
                                  [=](const Tensor&, const Tensor& dw) {
                                    on_cuda ? add_gradients_on_cuda(pass, targets, log_sum, dw)
                                            : add_gradients(pass, targets, log_sum, dw);
                                  });
}

Tensor cell_log_p(const DeepJoint& joint, const Cells& cells, const Indices& targets, const Tensor& log_z) {
  const Pass pass("cell_log_p", joint, cells);
  check_cell_targets("cell_log_p", cells, targets, pass.V);
  check_shape("cell_log_p", "log_z", log_z.shape(), {pass.N, pass.S});
  const Tensor w = Tensor::zeros(log_z.shape(), log_z.memory());
  set_picked_log_p(pass, targets, log_z, w);
  return w;
}

Mixed mixed_log_p(const DeepJoint& joint, const Cells& cells, const Tensor& weights) {
  const Pass pass("mixed_log_p", joint, cells);
  if (weights.defined()) check_shape("mixed_log_p", "weights", weights.shape(), {pass.N, pass.S});
  Memory& memory = joint.keys.value().memory();
  const Mixed mixed{weights.defined() ? Tensor::zeros({pass.N, pass.V}, memory) : Tensor(),
                    Tensor::zeros({pass.N, pass.S}, memory)};
  kHasCuda&& mixed.log_z.on_cuda() ? set_mixture_on_cuda(pass, weights, mixed)
                                   : set_mixture(pass, weights, mixed);
  return mixed;
}

}  // namespace mininmt
