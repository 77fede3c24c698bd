#include "ops/attention.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

// v . tanh(query + key)
MININMT_VECTORIZED real score(std::int64_t size, const real* query, const real* key, const real* v) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t a = 0; a < size; ++a) sum += v[a] * mininmt::tanh(query[a] + key[a]);
  return sum;
}

MININMT_VECTORIZED real dot(std::int64_t size, const real* x, const real* y) {
  real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < size; ++i) sum += x[i] * y[i];
  return sum;
}

MININMT_VECTORIZED void score_gradient(std::int64_t size, real de, const real* query, const real* key,
                                       const real* v, real* dquery, real* dkey, real* dv) {
#pragma omp simd
  for (std::int64_t a = 0; a < size; ++a) {
    const real u = mininmt::tanh(query[a] + key[a]);
    const real g = de * v[a] * tanh_slope(u);
    dquery[a] += g;
    dkey[a] += g;
    dv[a] += de * u;
  }
}

void softmax(std::int64_t size, real* e) {
  const real largest = *std::max_element(e, e + size);
  real sum = 0;
  for (std::int64_t j = 0; j < size; ++j) sum += e[j] = mininmt::exp(e[j] - largest);
  for (std::int64_t j = 0; j < size; ++j) e[j] /= sum;
}

struct Sizes {
  std::int64_t rows, steps, batch, align, context;
};

void check_attend(Var query, Var keys, Var values, Var v, const Lengths& lengths,
                  const std::vector<int>& sentence_of_row) {
  check_rank("attend", "query", query.shape(), 2, 2);
  check_rank("attend", "keys", keys.shape(), 3, 3);
  check_rank("attend", "values", values.shape(), 3, 3);
  const std::int64_t steps = values.shape()[0], batch = values.shape()[1], align = query.shape()[1];
  check_shape("attend", "keys", keys.shape(), {steps, batch, align});
  check_shape("attend", "v", v.shape(), {align});
  check_lengths("attend", lengths, steps, batch);
  if (sentence_of_row.empty()) return check_shape("attend", "query", query.shape(), {batch, align});
  check_shape("attend", "query", query.shape(), {static_cast<std::int64_t>(sentence_of_row.size()), align});
  for (int b : sentence_of_row)
    if (b < 0 || b >= batch) throw Error(join("[attend] (sentence_of_row) ", b, " of ", batch, " sentences"));
  if (query.needs_gradient() || keys.needs_gradient() || values.needs_gradient() || v.needs_gradient())
    throw Error("[attend] (sentence_of_row) is for search: it has no gradient");
}

}  // namespace

Attended attend(Var query, Var keys, Var values, Var v, const Lengths& lengths,
                const std::vector<int>& sentence_of_row) {
  check_attend(query, keys, values, v, lengths, sentence_of_row);
  const Sizes size{query.shape()[0], values.shape()[0], values.shape()[1], query.shape()[1],
                   values.shape()[2]};
  const Tensor alpha = Tensor::zeros({size.rows, size.steps});
  const Tensor context = Tensor::zeros({size.rows, size.context});
  parallel_for(
      size.rows, size.steps * (8 * size.align + size.context), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t b = sentence_of_row.empty() ? row : sentence_of_row[row];
          real* const weights = alpha.data() + row * size.steps;
          for (int j = 0; j < lengths[b]; ++j)
            weights[j] = score(size.align, query.value().data() + row * size.align,
                               keys.value().data() + (j * size.batch + b) * size.align, v.value().data());
          softmax(lengths[b], weights);
          for (int j = 0; j < lengths[b]; ++j)
            add_scaled(size.context, weights[j], values.value().data() + (j * size.batch + b) * size.context,
                       context.data() + row * size.context);
        }
      });
  const Var y = query.tape->record(context, {query, keys, values, v}, [=](const Tensor&, const Tensor& dc) {
    // Every gradient of a row is its own but that of v, which is summed over the rows afterwards, in their
    // order.
    const auto own_or_gradient = [](Var x) {
      return x.needs_gradient() ? x.gradient() : Tensor::zeros(x.shape());
    };
    const Tensor dquery = own_or_gradient(query), dkeys = own_or_gradient(keys),
                 dvalues = own_or_gradient(values);
    const Tensor dv = Tensor::zeros({size.rows, size.align});
    parallel_for(size.rows, size.steps * (10 * size.align + 2 * size.context),
                 [&](std::int64_t begin, std::int64_t end) {
                   std::vector<real> dalpha(size.steps);
                   for (std::int64_t b = begin; b < end; ++b) {
                     const real* const weights = alpha.data() + b * size.steps;
                     const real* const dc_row = dc.data() + b * size.context;
                     real mean = 0;  // sum_k alpha_bk dalpha_bk
                     for (int j = 0; j < lengths[b]; ++j) {
                       const std::int64_t at = (j * size.batch + b) * size.context;
                       dalpha[j] = dot(size.context, dc_row, values.value().data() + at);
                       add_scaled(size.context, weights[j], dc_row, dvalues.data() + at);
                       mean += weights[j] * dalpha[j];
                     }
                     for (int j = 0; j < lengths[b]; ++j) {
                       const std::int64_t at = (j * size.batch + b) * size.align;
                       score_gradient(size.align, weights[j] * (dalpha[j] - mean),
                                      query.value().data() + b * size.align, keys.value().data() + at,
                                      v.value().data(), dquery.data() + b * size.align, dkeys.data() + at,
                                      dv.data() + b * size.align);
                     }
                   }
                 });
    if (v.needs_gradient()) add_sum_of_rows(size.rows, size.align, dv.data(), v.gradient().data());
  });
  return {y, alpha};
}

}  // namespace mininmt
