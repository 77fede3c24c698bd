#include "ops/additive_joint.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "ops/bf16_products.h"
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
};

// Sentences [first, first + count): the exponentials of their words, exp_g (count, T, V), without the
// largest of each row, max_g (count, T); those of their positions likewise. Rows of padding are 0.
struct Sentences {
  const Pass& p;
  Memory& memory;
  PositionExponentials positions;  // of these sentences alone
  std::int64_t count, first = 0;
  Tensor exp_g, max_g;
  std::vector<std::int32_t> word_at;  // (T * B), on the host
  Tensor word_at_on_cuda;             // the same there, in the memory of as many reals

  // Rounded operands would be seen in a normaliser. On the host exact on this thread, which multiplies; the GPU
  // has one user.
  struct Exactly {
    explicit Exactly(bool on_cuda) : on_cuda(on_cuda) {
      if constexpr (kHasCuda)
        if (on_cuda) before = cuda::precision(), cuda::set_precision(cuda::Precision::kFloat32);
    }
    ~Exactly() {
      if constexpr (kHasCuda)
        if (on_cuda) cuda::set_precision(before);
    }
    const bool on_cuda;
    cuda::Precision before{};
    const Bf16Products::Exactly on_host;
  } exactly;

  Sentences(const Pass& pass, Memory& where, PositionExponentials of)
      : p(pass),
        memory(where),
        positions(std::move(of)),
        count(positions.exp_f.shape()[0]),
        exp_g({count, p.T, p.V}, memory),
        max_g({count, p.T}, memory),
        exactly(!memory.on_host()) {
    static_assert(sizeof(std::int32_t) <= sizeof(real));
    if (memory.on_host()) {
      word_at = p.cells.word_at();
    } else if constexpr (kHasCuda) {
      word_at_on_cuda = Tensor({p.T * p.B}, memory);
      cuda::set_word_at(p.cells.in(memory, p.S), reinterpret_cast<std::int32_t*>(word_at_on_cuda.data()));
    }
  }

  // On the host: the word of row `place` of (count, T).
  std::int64_t word(std::int64_t place) const { return word_at[place % p.T * p.B + first + place / p.T]; }

  // Calls use(place, n, b) for each word n, of sentence b.
  template <class Use>
  void for_words(const Use& use) const {
    for (std::int64_t place = 0; place < count * p.T; ++place)
      if (const std::int64_t n = word(place); n != kNone) use(place, n, first + place / p.T);
  }

  // Calls use(i, rows) for each sentence first + i that has words, all of them in its first `rows` of T.
  template <class Use>
  void for_sentences(const Use& use) const {
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rows = p.T;
      while (rows > 0 && word(i * p.T + rows - 1) == kNone) --rows;
      if (rows > 0) use(i, rows);
    }
  }

  cuda::AdditiveOperands on_cuda(const real* products) const {
    return {p.cells.in(memory, p.S),
            reinterpret_cast<const std::int32_t*>(word_at_on_cuda.data()),
            first,
            count,
            p.V,
            p.targets.in(memory),
            p.g(0),
            p.f(0, 0),
            exp_g.data(),
            positions.exp_f.data(),
            max_g.data(),
            positions.max_f.data(),
            products};
  }
};

void set_word_exponentials(const Sentences& of) {
  if constexpr (kHasCuda)
    if (!of.memory.on_host()) return cuda::set_word_exponentials(of.on_cuda(nullptr));
  const Pass& p = of.p;
  parallel_for(of.count * p.T, 16 * p.V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t place = begin; place < end; ++place) {
      real* const row = of.exp_g.data() + place * p.V;
      if (const std::int64_t n = of.word(place); n != kNone)
        of.max_g.data()[place] = set_exponentials(p.V, p.g(n), false, row);
      else
        std::fill(row, row + p.V, real{0});
    }
  });
}

// Of the positions of sentences [first, first + count).
void set_position_exponentials(const Tensor& f, const Cells& cells, std::int64_t first,
                               const PositionExponentials& of) {
  const std::int64_t count = of.exp_f.shape()[0], S = f.shape()[0], B = f.shape()[1], V = f.shape()[2];
  if constexpr (kHasCuda)
    if (f.on_cuda())
      return cuda::set_position_exponentials(cells.in(f.memory(), S), first, count, V, f.data(),
                                             of.exp_f.data(), of.max_f.data());
  parallel_for(count * S, 16 * V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t b = first + i / S, j = i % S;
      real* const row = of.exp_f.data() + i * V;
      if (j < cells.lengths[b])
        of.max_f.data()[i] = set_exponentials(V, f.data() + (j * B + b) * V, cells.bars_eos(j, b), row);
      else
        std::fill(row, row + V, real{0});
    }
  });
}

// products (count, T, S) = exp_g exp_f^T
void set_products(const Sentences& of, real* products) {
  const std::int64_t T = of.p.T, S = of.p.S, V = of.p.V;
  const Matrix words{of.exp_g.data(), V}, positions{of.positions.exp_f.data(), V, true};
  if (!of.memory.on_host())
    return gemm_batched(of.memory, of.count, T, S, V, words, T * V, positions, S * V, products, S, T * S,
                        false);
  of.for_sentences([&](std::int64_t i, std::int64_t rows) {
    gemm(rows, S, V, {words.data + i * T * V, V}, {positions.data + i * S * V, V, true}, products + i * T * S,
         S, false);
  });
}

// sums (count, T, V) = ratios (count, T, S) exp_f
void set_sums(const Sentences& of, const Tensor& ratios, const Tensor& sums) {
  const std::int64_t T = of.p.T, S = of.p.S, V = of.p.V;
  const Matrix r{ratios.data(), S}, positions{of.positions.exp_f.data(), V};
  if (!of.memory.on_host())
    return gemm_batched(of.memory, of.count, T, V, S, r, T * S, positions, S * V, sums.data(), V, T * V,
                        false);
  of.for_sentences([&](std::int64_t i, std::int64_t rows) {
    gemm(rows, V, S, {r.data + i * T * S, S}, {positions.data + i * S * V, V}, sums.data() + i * T * V, V,
         false);
  });
}

// log Z of a cell from f + g; `scratch` (V) becomes the logits.
real direct_log_sum(const Pass& p, std::int64_t n, std::int64_t j, std::int64_t b, real* scratch) {
  set_logits(p.V, p.g(n), p.f(j, b), p.cells.bars_eos(j, b), scratch);
  return log_sum_exp(p.V, scratch);
}

// Rows of log_z (N, S), from the products (count, T, S).
void set_log_z(const Sentences& of, const real* products, const Tensor& log_z) {
  if constexpr (kHasCuda)
    if (log_z.on_cuda()) return cuda::set_log_z(of.on_cuda(products), log_z.data());
  const Pass& p = of.p;
  std::vector<real> scratch(static_cast<std::size_t>(p.V));
  of.for_words([&](std::int64_t place, std::int64_t n, std::int64_t b) {
    const real* const max_f = of.positions.max_f.data() + (b - of.first) * p.S;
    for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j) {
      const real product = products[place * p.S + j];
      log_z.data()[n * p.S + j] = product < cuda::kLeastProduct
                                      ? direct_log_sum(p, n, j, b, scratch.data())
                                      : of.max_g.data()[place] + max_f[j] + std::log(product);
    }
  });
}

// w (N, S) = g_n[y_n] + f_jb[y_n] - log_z, which may be w itself. g: (N, V), or (N, 1) of the targets alone.
void set_log_p(const Cells& cells, const Indices& targets, const Tensor& g, const Tensor& f,
               const Tensor& log_z, const Tensor& w) {
  const std::int64_t S = f.shape()[0], B = f.shape()[1], V = f.shape()[2], width = g.shape()[1];
  if constexpr (kHasCuda)
    if (w.on_cuda())
      return cuda::pick_sums(cells.in(w.memory(), S), V, targets.in(w.memory()), width, g.data(), f.data(),
                             log_z.data(), w.data());
  for (std::int64_t n = 0; n < cells.words(); ++n) {
    const std::int64_t b = cells.sentence_of(n), length = b == kNone ? 0 : cells.lengths[b];
    for (std::int64_t j = 0; j < length; ++j) {
      const Id y = targets[n];
      const real of_word = g.data()[n * width + (width > 1 ? y : 0)];
      w.data()[n * S + j] = y == kEos && cells.bars_eos(j, b)
                                ? -std::numeric_limits<real>::infinity()
                                : of_word + f.data()[(j * B + b) * V + y] - log_z.data()[n * S + j];
    }
  }
}

// ratios (count, T, S) = x / P, from x (N, S): 0 where P is too small and at padding.
void set_ratios(const Sentences& of, const real* products, const Tensor& x, const Tensor& ratios) {
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::set_ratios(of.on_cuda(products), x.data(), ratios.data());
  const Pass& p = of.p;
  ratios.fill(0);
  of.for_words([&](std::int64_t place, std::int64_t n, std::int64_t b) {
    for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j)
      if (const real product = products[place * p.S + j]; !(product < cuda::kLeastProduct))
        ratios.data()[place * p.S + j] = x.data()[n * p.S + j] / product;
  });
}

// What is no product: the targets, and the cells where P is too small. products: the word's. dg, df:
// gradients of the inputs.
void add_rest(const Pass& p, std::int64_t n, std::int64_t b, const real* products, const Tensor& dw,
              const Tensor& dg, const Tensor& df) {
  std::vector<real> scratch;
  for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j) {
    const real d = dw.data()[n * p.S + j];
    real* const dg_row = dg.data() + n * p.V;
    real* const df_row = df.data() + (j * p.B + b) * p.V;
    if (d != 0) dg_row[p.targets[n]] += d, df_row[p.targets[n]] += d;
    if (!(products[j] < cuda::kLeastProduct) || d == 0) continue;
    scratch.resize(static_cast<std::size_t>(p.V));
    set_probabilities(p.V, -d, direct_log_sum(p, n, j, b, scratch.data()), scratch.data());
    add_to(p.V, scratch.data(), dg_row);
    add_to(p.V, scratch.data(), df_row);
  }
}

// Of one sentence. sums_g (T, V) and sums_f (S, V): the ratios times the exponentials of the other side.
void add_gradients(const Sentences& of, const real* products, const Tensor& dw, const Tensor& sums_g,
                   const Tensor& sums_f) {
  const Pass& p = of.p;
  if constexpr (kHasCuda)
    if (dw.on_cuda())
      return cuda::add_additive_gradients(of.on_cuda(products), dw.data(), sums_g.data(), sums_f.data(),
                                          gradient_or_null(p.joint.g), gradient_or_null(p.joint.f));
  const Tensor dg = gradient_or_zeros(p.joint.g), df = gradient_or_zeros(p.joint.f);
  of.for_words([&](std::int64_t t, std::int64_t n, std::int64_t b) {
    subtract_product(p.V, of.exp_g.data() + t * p.V, sums_g.data() + t * p.V, dg.data() + n * p.V);
    add_rest(p, n, b, products + t * p.S, dw, dg, df);
  });
  for (std::int64_t j = 0; j < p.cells.lengths[of.first]; ++j)
    subtract_product(p.V, of.positions.exp_f.data() + j * p.V, sums_f.data() + j * p.V,
                     df.data() + (j * p.B + of.first) * p.V);
}

PositionExponentials uncomputed_exponentials(std::int64_t count, const Shape& f, Memory& memory) {
  return {Tensor({count, f[0], f[2]}, memory), Tensor({count, f[0]}, memory)};
}

// A pass over the sentences of a batch, one by one: use(of, products) has their exponentials.
template <class Use>
void for_each_sentence(const Pass& p, const Tensor& products, const Use& use) {
  Memory& memory = products.memory();
  Sentences of(p, memory, uncomputed_exponentials(1, p.joint.f.shape(), memory));
  for (; of.first < p.B; ++of.first) {
    set_word_exponentials(of);
    set_position_exponentials(p.joint.f.value(), p.cells, of.first, of.positions);
    use(of, products.data() + of.first * p.T * p.S);
  }
}

// products (B, T, S) and w (N, S).
void forward(const Pass& p, const Tensor& products, const Tensor& w) {
  w.fill(0);
  for_each_sentence(p, products, [&](const Sentences& of, real* product) {
    set_products(of, product);
    set_log_z(of, product, w);
  });
  set_log_p(p.cells, p.targets, p.joint.g.value(), p.joint.f.value(), w, w);
}

void backward(const Pass& p, const Tensor& products, const Tensor& dw) {
  Memory& memory = dw.memory();
  const Tensor ratios({p.T, p.S}, memory), sums_g({p.T, p.V}, memory), sums_f({p.S, p.V}, memory);
  for_each_sentence(p, products, [&](const Sentences& of, const real* product) {
    set_ratios(of, product, dw, ratios);
    set_sums(of, ratios, sums_g);
    gemm(memory, p.S, p.V, p.T, {ratios.data(), p.S, true}, {of.exp_g.data(), p.V}, sums_f.data(), p.V,
         false);
    add_gradients(of, product, dw, sums_g, sums_f);
  });
}

// --- In search --------------------------------------------------------------------------------------------

// A word's mixture, from the softmax of each cell.
void mix_cells(const Pass& p, std::int64_t n, std::int64_t b, const Tensor& weights, const Tensor& log_z,
               real* y) {
  std::vector<real> logits(static_cast<std::size_t>(p.V));
  std::fill(y, y + p.V, real{0});
  for (std::int64_t j = 0; j < p.cells.lengths[b]; ++j) {
    set_logits(p.V, p.g(n), p.f(j, b), p.cells.bars_eos(j, b), logits.data());
    add_probabilities(p.V, weights.data()[n * p.S + j], log_z.data()[n * p.S + j], logits.data(), y);
  }
  set_logarithms(p.V, y);
}

// Rows of y (N, V), from the ratios' sums (count, T, V).
void set_mixture(const Sentences& of, const real* products, const Tensor& weights, const Tensor& log_z,
                 const Tensor& sums, const Tensor& y) {
  if constexpr (kHasCuda)
    if (y.on_cuda())
      return cuda::mix_sums(of.on_cuda(products), weights.data(), log_z.data(), sums.data(), y.data());
  const Pass& p = of.p;
  parallel_for(of.count * p.T, 16 * p.V, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t place = begin; place < end; ++place) {
      const std::int64_t n = of.word(place), b = of.first + place / p.T;
      if (n == kNone) continue;
      const real *const from = products + place * p.S, *const to = from + p.cells.lengths[b];
      real* const row = y.data() + n * p.V;
      if (std::any_of(from, to, [](real product) { return product < cuda::kLeastProduct; }))
        mix_cells(p, n, b, weights, log_z, row);
      else
        set_shifted_logarithms(p.V, sums.data() + place * p.V, p.g(n), of.max_g.data()[place], row);
    }
  });
}

}  // namespace

Var cell_log_p(const AdditiveJoint& joint, const Cells& cells, const Indices& targets) {
  const Pass pass("cell_log_p", joint, cells, targets);
  check_cell_targets("cell_log_p", cells, targets, pass.V);
  Memory& memory = joint.g.value().memory();
  const Tensor w({pass.N, pass.S}, memory), products({pass.B, pass.T, pass.S}, memory);
  forward(pass, products, w);
  return joint.g.tape->record("cell_log_p", w, {joint.g, joint.f},
                              [=](const Tensor&, const Tensor& dw) { backward(pass, products, dw); });
}

Tensor cell_log_p(Var g, Var f, const Cells& cells, const Indices& targets, const Tensor& log_z) {
  cells.check("cell_log_p", f.shape());
  check_cell_targets("cell_log_p", cells, targets, f.shape()[2]);
  check_shape("cell_log_p", "g", g.shape(), {cells.words(), 1});
  check_shape("cell_log_p", "log_z", log_z.shape(), {cells.words(), f.shape()[0]});
  const Tensor w = Tensor::zeros(log_z.shape(), log_z.memory());
  set_log_p(cells, targets, g.value(), f.value(), log_z, w);
  return w;
}

PositionExponentials position_exponentials(Var f, const Indices& lengths, bool late_end) {
  const Cells cells{{}, lengths, 1, late_end};
  cells.check("position_exponentials", f.shape());
  const PositionExponentials of = uncomputed_exponentials(f.shape()[1], f.shape(), f.value().memory());
  set_position_exponentials(f.value(), cells, 0, of);
  return of;
}

Mixed mixed_log_p(const AdditiveJoint& joint, const PositionExponentials& positions, const Cells& cells,
                  const Tensor& weights) {
  const Pass p("mixed_log_p", joint, cells, {});
  if (weights.defined()) check_shape("mixed_log_p", "weights", weights.shape(), {p.N, p.S});
  check_shape("mixed_log_p", "exp_f", positions.exp_f.shape(), {p.B, p.S, p.V});
  check_shape("mixed_log_p", "max_f", positions.max_f.shape(), {p.B, p.S});
  Memory& memory = joint.g.value().memory();
  const Sentences of(p, memory, positions);
  const Tensor products({p.B, p.T, p.S}, memory);
  Mixed mixed{{}, Tensor::zeros({p.N, p.S}, memory)};
  set_word_exponentials(of);
  set_products(of, products.data());
  set_log_z(of, products.data(), mixed.log_z);
  if (!weights.defined()) return mixed;
  mixed.log_p = Tensor::zeros({p.N, p.V}, memory);
  const Tensor ratios(products.shape(), memory), sums(of.exp_g.shape(), memory);
  set_ratios(of, products.data(), weights, ratios);
  set_sums(of, ratios, sums);
  set_mixture(of, products.data(), weights, mixed.log_z, sums, mixed.log_p);
  return mixed;
}

}  // namespace mininmt
