#include "ops/multi_head_attention.h"

#include <algorithm>
#include <cmath>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/gemm.h"
#include "ops/rows.h"
#include "ops/softmax.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

real scale_of(std::int64_t size) { return static_cast<real>(1 / std::sqrt(static_cast<double>(size))); }

void check_heads(const char* op, std::int64_t d, int heads) {
  if (heads < 1 || d % heads != 0)
    throw Error(join("[", op, "] (heads) must divide the ", d, " columns but is ", heads));
}

// The sizes of an attention over whole sequences. The operands of head r of sentence b start at column
// (b h + r) d/h of a step's row, so all heads of all sentences are equally spaced.
struct Heads {
  std::int64_t T, S, B, d, count;  // count: h
  Indices lengths;
  bool causal;

  std::int64_t all() const { return B * count; }
  std::int64_t size() const { return d / count; }
  Matrix of(const real* x, bool transposed = false) const { return {x, B * d, transposed}; }
  cuda::HeadWeights weights(Memory& memory) const {
    return {all(), count, T, S, scale_of(size()), causal, lengths.in(memory)};
  }
  // Positions that step t of sentence i / h attends to.
  std::int64_t length(std::int64_t i, std::int64_t t) const {
    const std::int64_t most = lengths.empty() ? S : lengths[static_cast<std::size_t>(i / count)];
    return causal ? std::min(most, t + 1) : most;
  }
  // Calls work(row, its length) for each row of weights.
  template <class Work>
  void for_rows(const Work& work) const {
    parallel_for(all() * T, 8 * S, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) work(row, length(row / T, row % T));
    });
  }
};

// The scores Q K^T in P (B h, T, S) become the weights.
void scores_to_weights(const Heads& heads, const Tensor& P) {
  if constexpr (kHasCuda)
    if (P.on_cuda()) return cuda::head_weights(heads.weights(P.memory()), P.data());
  const real scale = scale_of(heads.size());
  heads.for_rows([&](std::int64_t row, std::int64_t length) {
    real* const p = P.data() + row * heads.S;
    for (std::int64_t j = 0; j < length; ++j) p[j] *= scale;
    softmax_row(length, p, p);
    std::fill(p + length, p + heads.S, real{0});
  });
}

// dP becomes dE.
void weights_gradient(const Heads& heads, const Tensor& P, const Tensor& dP) {
  if constexpr (kHasCuda)
    if (P.on_cuda()) return cuda::head_weights_gradient(heads.weights(P.memory()), P.data(), dP.data());
  const real scale = scale_of(heads.size());
  heads.for_rows([&](std::int64_t row, std::int64_t length) {
    const real* const p = P.data() + row * heads.S;
    real* const dp = dP.data() + row * heads.S;
    const real mean = dot(length, p, dp);
    for (std::int64_t j = 0; j < length; ++j) dp[j] = p[j] * (dp[j] - mean) * scale;
    std::fill(dp + length, dp + heads.S, real{0});
  });
}

// c = P V
void read_values(const Heads& h, const Tensor& P, const Tensor& V, const Tensor& c) {
  gemm_batched(c.memory(), h.all(), h.T, h.size(), h.S, {P.data(), h.S}, h.T * h.S, h.of(V.data()), h.size(),
               c.data(), h.B * h.d, h.size(), false);
}

// out (T or S, B, d) += the product of weights (or their transpose) and x for each head.
void add_product(const Heads& h, const Tensor& weights, bool transposed, const Tensor& x, const Tensor& out) {
  const std::int64_t rows = transposed ? h.S : h.T, inner = transposed ? h.T : h.S;
  gemm_batched(out.memory(), h.all(), rows, h.size(), inner, {weights.data(), h.S, transposed}, h.T * h.S,
               h.of(x.data()), h.size(), out.data(), h.B * h.d, h.size(), true);
}

// weights (B h, T, S) = a b^T for each head, a (T, B, d), b (S, B, d)
Tensor products(const Heads& h, const Tensor& a, const Tensor& b) {
  const Tensor weights({h.all(), h.T, h.S}, a.memory());
  gemm_batched(a.memory(), h.all(), h.T, h.S, h.size(), h.of(a.data()), h.size(), h.of(b.data(), true),
               h.size(), weights.data(), h.S, h.T * h.S, false);
  return weights;
}

}  // namespace

Var multi_head_attention(Var Q, Var K, Var V, int heads, const Indices& lengths, bool causal) {
  const char* const op = "multi_head_attention";
  check_rank(op, "Q", Q.shape(), 3, 3);
  check_rank(op, "K", K.shape(), 3, 3);
  const Heads h{Q.shape()[0], K.shape()[0], Q.shape()[1], Q.shape()[2], heads, lengths, causal};
  check_heads(op, h.d, heads);
  check_shape(op, "K", K.shape(), {h.S, h.B, h.d});
  check_shape(op, "V", V.shape(), {h.S, h.B, h.d});
  if (!lengths.empty()) check_lengths(op, lengths, h.S, h.B);
  if (causal && h.T != h.S)
    throw Error(join("[", op, "] (causal) is for as many queries as keys, not ", h.T, " and ", h.S));
  const Tensor P = products(h, Q.value(), K.value()), c(Q.shape(), P.memory());
  scores_to_weights(h, P);
  read_values(h, P, V.value(), c);
  return Q.tape->record(op, c, {Q, K, V}, [=](const Tensor&, const Tensor& dc) {
    if (V.needs_gradient()) add_product(h, P, true, dc, V.gradient());
    if (!Q.needs_gradient() && !K.needs_gradient()) return;
    const Tensor dE = products(h, dc, V.value());
    weights_gradient(h, P, dE);
    if (Q.needs_gradient()) add_product(h, dE, false, K.value(), Q.gradient());
    if (K.needs_gradient()) add_product(h, dE, true, Q.value(), K.gradient());
  });
}

namespace {

// One hypothesis: query, context (d), n rows picked, alpha (n) = 0 at first.
void attend_one(std::int64_t d, int heads, std::int64_t n, const std::int32_t* picked, const real* query,
                const real* K, const real* V, real* alpha, real* context) {
  const std::int64_t size = d / heads;
  const real scale = scale_of(size);
  std::vector<std::int64_t> places;  // j of the rows that are there
  for (std::int64_t j = 0; j < n; ++j)
    if (picked[j] != kNone) places.push_back(j);
  std::vector<real> weights(places.size());
  for (std::int64_t first = 0; first < d; first += size) {
    const auto row_of = [&](const real* x, std::size_t i) { return x + picked[places[i]] * d + first; };
    for (std::size_t i = 0; i < places.size(); ++i)
      weights[i] = scale * dot(size, query + first, row_of(K, i));
    softmax_row(static_cast<std::int64_t>(places.size()), weights.data(), weights.data());
    for (std::size_t i = 0; i < places.size(); ++i) {
      add_scaled(size, weights[i], row_of(V, i), context + first);
      alpha[places[i]] += weights[i] / static_cast<real>(heads);
    }
  }
}

void check_picked(const Indices& picked, std::int64_t n, std::int64_t rows) {
  std::int64_t there = 0;
  for (std::size_t i = 0; i < picked.size(); ++i) {
    if (picked[i] < kNone || picked[i] >= rows)
      throw Error(join("[attend_to_rows] (picked) row ", picked[i], " of ", rows));
    if (i % static_cast<std::size_t>(n) == 0) there = 0;
    there += picked[i] != kNone;
    if ((i + 1) % static_cast<std::size_t>(n) == 0 && there == 0)
      throw Error(join("[attend_to_rows] (picked) has nothing for query ", i / static_cast<std::size_t>(n)));
  }
}

}  // namespace

Attended attend_to_rows(Var Q, const Tensor& K, const Tensor& V, int heads, const Indices& picked) {
  const char* const op = "attend_to_rows";
  check_rank(op, "Q", Q.shape(), 2, 2);
  check_rank(op, "K", K.shape(), 2, 2);
  const std::int64_t R = Q.shape()[0], d = Q.shape()[1], entries = static_cast<std::int64_t>(picked.size());
  check_heads(op, d, heads);
  check_shape(op, "K", K.shape(), {K.shape()[0], d});
  check_shape(op, "V", V.shape(), K.shape());
  if (Q.needs_gradient()) throw Error(join("[", op, "] is for search: it has no gradient"));
  if (R == 0 || entries == 0 || entries % R != 0)
    throw Error(join("[", op, "] (picked) has ", entries, " entries for ", R, " queries"));
  const std::int64_t n = entries / R;
  check_picked(picked, n, K.shape()[0]);
  Memory& memory = Q.value().memory();
  const Tensor context({R, d}, memory), alpha({R, n}, memory);
  if constexpr (kHasCuda)
    if (Q.value().on_cuda()) {
      cuda::attend_to_rows({R, n, heads, d, scale_of(d / heads), picked.in(memory)}, Q.value().data(),
                           K.data(), V.data(), alpha.data(), context.data());
      return {Q.tape->constant(context), alpha};
    }
  context.fill(0);
  alpha.fill(0);
  parallel_for(R, 2 * n * d, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r)
      attend_one(d, heads, n, picked.values().data() + r * n, Q.value().data() + r * d, K.data(), V.data(),
                 alpha.data() + r * n, context.data() + r * d);
  });
  return {Q.tape->constant(context), alpha};
}

}  // namespace mininmt
