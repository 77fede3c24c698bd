#include "ops/additive_scores.h"

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {

MININMT_VECTORIZED real additive_score(std::int64_t size, const real* query, const real* key, const real* v) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t a = 0; a < size; ++a) sum += v[a] * mininmt::tanh(query[a] + key[a]);
  return sum;
}

MININMT_VECTORIZED void add_additive_score_gradient(std::int64_t size, real de, const real* query,
                                                    const real* key, const real* v, real* dquery, real* dkey,
                                                    real* dv) {
#pragma omp simd
  for (std::int64_t a = 0; a < size; ++a) {
    const real u = mininmt::tanh(query[a] + key[a]);
    const real g = de * v[a] * tanh_slope(u);
    dquery[a] += g;
    dkey[a] += g;
    dv[a] += de * u;
  }
}

namespace {

struct Operands {
  Var query, keys, v;
  Cells cells;
  std::int64_t steps, align;

  const real* key(std::int64_t j, std::int64_t b) const {
    return keys.value().data() + (j * cells.sentences() + b) * align;
  }
};

void set_scores(const Operands& o, const Tensor& e) {
  if constexpr (kHasCuda)
    if (e.on_cuda())
      return cuda::additive_scores(o.cells.in(e.memory(), o.steps), o.align, o.query.value().data(),
                                   o.keys.value().data(), o.v.value().data(), e.data());
  e.fill(0);
  parallel_for(o.cells.words(), 8 * o.steps * o.align, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t b = o.cells.sentence_of(n);
      if (b == kNone) continue;
      for (int j = 0; j < o.cells.lengths[b]; ++j)
        e.data()[n * o.steps + j] =
            additive_score(o.align, o.query.value().data() + n * o.align, o.key(j, b), o.v.value().data());
    }
  });
}

// dv_rows (B, A): each sentence's part of dv.
void add_gradients(const Operands& o, const Tensor& de, const Tensor& dquery, const Tensor& dkeys,
                   const Tensor& dv_rows) {
  const auto word_at = o.cells.word_at();
  const std::int64_t batch = o.cells.sentences(), cells = o.cells.target_steps * o.steps;
  parallel_for(batch, 10 * cells * o.align, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      for (std::int64_t t = 0; t < o.cells.target_steps; ++t) {
        const std::int64_t n = word_at[t * batch + b];
        for (int j = 0; n != kNone && j < o.cells.lengths[b]; ++j)
          add_additive_score_gradient(o.align, de.data()[n * o.steps + j],
                                      o.query.value().data() + n * o.align, o.key(j, b), o.v.value().data(),
                                      dquery.data() + n * o.align, dkeys.data() + (j * batch + b) * o.align,
                                      dv_rows.data() + b * o.align);
      }
  });
}

void add_gradients_on_cuda(const Operands& o, const Tensor& de) {
  if constexpr (kHasCuda) {
    const Tensor dv_rows({o.cells.words(), o.align}, de.memory());
    cuda::add_additive_scores_gradient(o.cells.in(de.memory(), o.steps), o.align, o.query.value().data(),
                                       o.keys.value().data(), o.v.value().data(), de.data(),
                                       gradient_or_null(o.query), gradient_or_null(o.keys), dv_rows.data());
    if (o.v.needs_gradient()) add_sum_of_rows(dv_rows, o.v.gradient());
  }
}

}  // namespace

Var additive_scores(Var query, Var keys, Var v, const Cells& cells) {
  cells.check("additive_scores", keys.shape());
  const std::int64_t steps = keys.shape()[0], align = keys.shape()[2];
  check_shape("additive_scores", "query", query.shape(), {cells.words(), align});
  check_shape("additive_scores", "v", v.shape(), {align});
  const Operands operands{query, keys, v, cells, steps, align};
  const Tensor e({cells.words(), steps}, query.value().memory());
  set_scores(operands, e);
  return query.tape->record("additive_scores", e, {query, keys, v}, [=](const Tensor&, const Tensor& de) {
    if (kHasCuda && de.on_cuda()) return add_gradients_on_cuda(operands, de);
    const Tensor dv_rows = Tensor::zeros({cells.sentences(), align});
    add_gradients(operands, de, gradient_or_zeros(query), gradient_or_zeros(keys), dv_rows);
    if (v.needs_gradient()) add_sum_of_rows(dv_rows, v.gradient());
  });
}

}  // namespace mininmt
