#include "ops/additive_joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/logits.h"
#include "ops/rows.h"
#include "ops/softmax_xent.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

struct Pass {
  AdditiveJoint joint;
  Cells cells;
  Indices targets;
  std::int64_t N, S, B, V, T;

  Pass(const char* op, const AdditiveJoint& of, const Cells& at, const Indices& targets)
      : joint(of),
        cells(at),
        targets(targets),
        N(at.words()),
        S(of.f.shape()[0]),
        B(at.sentences()),
        V(of.f.shape()[2]),
        T(at.target_steps) {
    cells.check(op, joint.f.shape());
    check_shape(op, "g", joint.g.shape(), {N, V});
    if (V < 2) throw Error(join("[", op, "] (f) needs a word beside </s>"));
  }

  const real* g(std::int64_t n) const { return joint.g.value().data() + n * V; }
  const real* f(std::int64_t j, std::int64_t b) const { return joint.f.value().data() + (j * B + b) * V; }
  bool bars_eos(std::int64_t j, std::int64_t b) const { return cells.late_end && j + 1 < cells.lengths[b]; }
};

// The exponentials of one sentence: exp_g (T, V) of its words, exp_f (S, V) of its positions, without the largest
// of each row, which are in max_g (T) and max_f (S). Rows of padding are 0.
struct Exponentials {
  Tensor exp_g, exp_f, max_g, max_f;

  Exponentials(const Pass& p, Memory& memory)
      : exp_g({p.T, p.V}, memory), exp_f({p.S, p.V}, memory), max_g({p.T}, memory), max_f({p.S}, memory) {}
};

// y = e^(x - the largest), which is returned. Barred: </s> is 0 and left out.
real set_exponentials(std::int64_t words, const real* x, bool bar_eos, real* y) {
  const std::int64_t first = bar_eos ? 1 : 0;  // </s> is word 0
  static_assert(kEos == 0);
  const real most = *std::max_element(x + first, x + words);
  std::copy(x, x + words, y);
  set_probabilities(words, 1, most, y);
  if (bar_eos) y[kEos] = 0;
  return most;
}

void set_exponentials(const Pass& p, std::int64_t b, const std::vector<std::int32_t>& word_at,
                      const Exponentials& of) {
  parallel_for(p.T + p.S, 16 * p.V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t j = i - p.T, n = i < p.T ? word_at[i * p.B + b] : kNone;
      real* const row = j < 0 ? of.exp_g.data() + i * p.V : of.exp_f.data() + j * p.V;
      if (n != kNone)
        of.max_g.data()[i] = set_exponentials(p.V, p.g(n), false, row);
      else if (j >= 0 && j < p.cells.lengths[b])
        of.max_f.data()[j] = set_exponentials(p.V, p.f(j, b), p.bars_eos(j, b), row);
      else
        std::fill(row, row + p.V, real{0});
    }
  });
}

// log Z of a cell from f + g; `scratch` (V) becomes the logits.
real direct_log_sum(const Pass& p, std::int64_t n, std::int64_t j, std::int64_t b, real* scratch) {
  set_logits(p.V, p.g(n), p.f(j, b), p.bars_eos(j, b), scratch);
  return log_sum_exp(p.V, scratch);
}

// w (N, S) of sentence b, from its products (T, S).
void set_log_p(const Pass& p, std::int64_t b, const std::vector<std::int32_t>& word_at,
               const Exponentials& of, const real* products, const Tensor& w) {
  std::vector<real> scratch(static_cast<std::size_t>(p.V));
  for (std::int64_t t = 0; t < p.T; ++t) {
    const std::int64_t n = word_at[t * p.B + b];
    for (std::int64_t j = 0; n != kNone && j < p.cells.lengths[b]; ++j) {
      const Id y = p.targets[n];
      const real product = products[t * p.S + j];
      const real log_sum = product < cuda::kLeastProduct
                               ? direct_log_sum(p, n, j, b, scratch.data())
                               : of.max_g.data()[t] + of.max_f.data()[j] + std::log(product);
      w.data()[n * p.S + j] = y == kEos && p.bars_eos(j, b) ? -std::numeric_limits<real>::infinity()
                                                            : p.g(n)[y] + p.f(j, b)[y] - log_sum;
    }
  }
}

// ratios (T, S) = dw / P of sentence b, 0 where P is too small and at padding.
void set_ratios(const Pass& p, std::int64_t b, const std::vector<std::int32_t>& word_at, const real* products,
                const Tensor& dw, const Tensor& ratios) {
  ratios.fill(0);
  for (std::int64_t t = 0; t < p.T; ++t) {
    const std::int64_t n = word_at[t * p.B + b];
    for (std::int64_t j = 0; n != kNone && j < p.cells.lengths[b]; ++j)
      if (const real product = products[t * p.S + j]; !(product < cuda::kLeastProduct))
        ratios.data()[t * p.S + j] = dw.data()[n * p.S + j] / product;
  }
}

MININMT_VECTORIZED void subtract_product(std::int64_t n, const real* a, const real* b, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) y[i] -= a[i] * b[i];
}

// What is no product: the targets, and the cells where P is too small. dg, df: gradients of the inputs.
void add_rest(const Pass& p, std::int64_t b, std::int64_t t, std::int64_t n, const real* products,
              const Tensor& dw, const Tensor& dg, const Tensor& df) {
  std::vector<real> scratch;
  for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j) {
    const real d = dw.data()[n * p.S + j];
    real* const dg_row = dg.data() + n * p.V;
    real* const df_row = df.data() + (j * p.B + b) * p.V;
    if (d != 0) dg_row[p.targets[n]] += d, df_row[p.targets[n]] += d;
    if (!(products[t * p.S + j] < cuda::kLeastProduct) || d == 0) continue;
    scratch.resize(static_cast<std::size_t>(p.V));
    set_probabilities(p.V, -d, direct_log_sum(p, n, j, b, scratch.data()), scratch.data());
    add_to(p.V, scratch.data(), dg_row);
    add_to(p.V, scratch.data(), df_row);
  }
}

// sums_g (T, V) and sums_f (S, V): the ratios times the exponentials of the other side.
void add_gradients(const Pass& p, std::int64_t b, const std::vector<std::int32_t>& word_at,
                   const Exponentials& of, const real* products, const Tensor& dw, const Tensor& sums_g,
                   const Tensor& sums_f, const Tensor& dg, const Tensor& df) {
  for (std::int64_t t = 0; t < p.T; ++t)
    if (const std::int64_t n = word_at[t * p.B + b]; n != kNone) {
      subtract_product(p.V, of.exp_g.data() + t * p.V, sums_g.data() + t * p.V, dg.data() + n * p.V);
      add_rest(p, b, t, n, products, dw, dg, df);
    }
  for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j)
    subtract_product(p.V, of.exp_f.data() + j * p.V, sums_f.data() + j * p.V,
                     df.data() + (j * p.B + b) * p.V);
}

// products (B, T, S) and w (N, S).
void forward(const Pass& p, const Tensor& products, const Tensor& w) {
  Memory& memory = w.memory();
  const Exponentials of(p, memory);
  const auto word_at = p.cells.word_at();
  w.fill(0);
  for (std::int64_t b = 0; b < p.B; ++b) {
    real* const product = products.data() + b * p.T * p.S;
    set_exponentials(p, b, word_at, of);
    gemm(memory, p.T, p.S, p.V, {of.exp_g.data(), p.V}, {of.exp_f.data(), p.V, true}, product, p.S, false);
    set_log_p(p, b, word_at, of, product, w);
  }
}

void backward(const Pass& p, const Tensor& products, const Tensor& dw) {
  Memory& memory = dw.memory();
  const Exponentials of(p, memory);
  const Tensor ratios({p.T, p.S}, memory), sums_g({p.T, p.V}, memory), sums_f({p.S, p.V}, memory);
  const Tensor dg = gradient_or_zeros(p.joint.g), df = gradient_or_zeros(p.joint.f);
  const auto word_at = p.cells.word_at();
  for (std::int64_t b = 0; b < p.B; ++b) {
    const real* const product = products.data() + b * p.T * p.S;
    set_exponentials(p, b, word_at, of);
    set_ratios(p, b, word_at, product, dw, ratios);
    gemm(memory, p.T, p.V, p.S, {ratios.data(), p.S}, {of.exp_f.data(), p.V}, sums_g.data(), p.V, false);
    gemm(memory, p.S, p.V, p.T, {ratios.data(), p.S, true}, {of.exp_g.data(), p.V}, sums_f.data(), p.V,
         false);
    add_gradients(p, b, word_at, of, product, dw, sums_g, sums_f, dg, df);
  }
}

void set_mixture(const Pass& p, const Tensor& weights, const Tensor& y) {
  y.fill(0);
  parallel_for(p.N, 24 * p.S * p.V, [&](std::int64_t begin, std::int64_t end) {
    std::vector<real> logits(static_cast<std::size_t>(p.V));
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t b = p.cells.sentence_of(n);
      if (b == kNone) continue;
      real* const row = y.data() + n * p.V;
      for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j) {
        const real log_sum = direct_log_sum(p, n, j, b, logits.data());
        add_probabilities(p.V, weights.data()[n * p.S + j], log_sum, logits.data(), row);
      }
      set_logarithms(p.V, row);
    }
  });
}

// --- The same on the GPU ----------------------------------------------------------------------------------

// One pass over the sentences: its operands, and the exponentials of a sentence.
struct CudaPass {
  const Pass& p;
  Memory& memory;
  Exponentials of;
  Tensor word_at;  // (T * B) numbers, in the memory of as many reals

  // Exactly: tf32 would be seen in a normaliser.
  struct Exactly {
#ifdef MININMT_CUDA
    Exactly() { cuda::set_precision(cuda::Precision::kFloat32); }
    ~Exactly() { cuda::set_precision(before); }
    const cuda::Precision before = cuda::precision();
#endif
  } exactly;

  CudaPass(const Pass& pass, Memory& where)
      : p(pass), memory(where), of(pass, where), word_at({pass.T * pass.B}, where) {
    static_assert(sizeof(std::int32_t) <= sizeof(real));
    if constexpr (kHasCuda) cuda::set_word_at(p.cells.in(memory, p.S), map());
  }
  std::int32_t* map() const { return reinterpret_cast<std::int32_t*>(word_at.data()); }

  cuda::AdditiveOperands operands(std::int64_t b, const real* products) const {
    return {p.cells.in(memory, p.S),
            map(),
            b,
            p.V,
            p.targets.in(memory),
            p.g(0),
            p.f(0, 0),
            of.exp_g.data(),
            of.exp_f.data(),
            of.max_g.data(),
            of.max_f.data(),
            products};
  }
};

void forward_on_cuda(const Pass& p, const Tensor& products, const Tensor& w) {
  if constexpr (kHasCuda) {
    const CudaPass pass(p, w.memory());
    w.fill(0);
    for (std::int64_t b = 0; b < p.B; ++b) {
      real* const product = products.data() + b * p.T * p.S;
      cuda::set_exponentials(pass.operands(b, product));
      gemm(w.memory(), p.T, p.S, p.V, {pass.of.exp_g.data(), p.V}, {pass.of.exp_f.data(), p.V, true}, product,
           p.S, false);
      cuda::additive_log_p(pass.operands(b, product), w.data());
    }
  }
}

void backward_on_cuda(const Pass& p, const Tensor& products, const Tensor& dw) {
  if constexpr (kHasCuda) {
    Memory& memory = dw.memory();
    const CudaPass pass(p, memory);
    const Exponentials& of = pass.of;
    const Tensor ratios({p.T, p.S}, memory), sums_g({p.T, p.V}, memory), sums_f({p.S, p.V}, memory);
    for (std::int64_t b = 0; b < p.B; ++b) {
      const auto operands = pass.operands(b, products.data() + b * p.T * p.S);
      cuda::set_exponentials(operands);
      cuda::set_ratios(operands, dw.data(), ratios.data());
      gemm(memory, p.T, p.V, p.S, {ratios.data(), p.S}, {of.exp_f.data(), p.V}, sums_g.data(), p.V, false);
      gemm(memory, p.S, p.V, p.T, {ratios.data(), p.S, true}, {of.exp_g.data(), p.V}, sums_f.data(), p.V,
           false);
      cuda::add_additive_gradients(operands, dw.data(), sums_g.data(), sums_f.data(),
                                   gradient_or_null(p.joint.g), gradient_or_null(p.joint.f));
    }
  }
}

}  // namespace

Var cell_log_p(const AdditiveJoint& joint, const Cells& cells, const Indices& targets) {
  const Pass pass("cell_log_p", joint, cells, targets);
  check_cell_targets("cell_log_p", cells, targets, pass.V);
  Memory& memory = joint.g.value().memory();
  const Tensor w({pass.N, pass.S}, memory), products({pass.B, pass.T, pass.S}, memory);
  const bool on_cuda = kHasCuda && w.on_cuda();
  on_cuda ? forward_on_cuda(pass, products, w) : forward(pass, products, w);
  return joint.g.tape->record("cell_log_p", w, {joint.g, joint.f}, [=](const Tensor&, const Tensor& dw) {
    on_cuda ? backward_on_cuda(pass, products, dw) : backward(pass, products, dw);
  });
}

Tensor mixed_log_p(const AdditiveJoint& joint, const Cells& cells, const Tensor& weights) {
  const Pass pass("mixed_log_p", joint, cells, {});
  check_shape("mixed_log_p", "weights", weights.shape(), {pass.N, pass.S});
  const Tensor y({pass.N, pass.V}, weights.memory());
  if constexpr (kHasCuda) {
    if (y.on_cuda()) {
      cuda::mix_sums(pass.cells.in(y.memory(), pass.S), pass.V, pass.g(0), pass.f(0, 0), weights.data(),
                     y.data());
      return y;
    }
  }
  set_mixture(pass, weights, y);
  return y;
}

}  // namespace mininmt
