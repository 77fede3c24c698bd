#include "ops/attention.h"

#include "cuda/kernels.h"
#include "ops/additive_scores.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "ops/softmax.h"
#include "tensor/parallel.h"

namespace mininmt {
Attention::Attention(Var keys, Var values, std::optional<Var> v, Indices lengths)
    : keys_(keys), values_(values), v_(v), lengths_(std::move(lengths)) {
  check_rank("attend", "keys", keys.shape(), 3, 3);
  check_rank("attend", "values", values.shape(), 3, 3);
  steps_ = values.shape()[0], batch_ = values.shape()[1], align_ = keys.shape()[2],
  context_ = values.shape()[2];
  check_shape("attend", "keys", keys.shape(), {steps_, batch_, align_});
  if (v) check_shape("attend", "v", v->shape(), {align_});
  check_lengths("attend", lengths_, steps_, batch_);
  if (kHasCuda && values.value().on_cuda() && needs_gradient())
    values.tape->on_backward({values, v.value_or(values)},
                             [values, v, sums = sums_] { add_sums(values, v, *sums); });
}

bool Attention::needs_gradient() const {
  return keys_.needs_gradient() || values_.needs_gradient() || v_needs_gradient();
}

void Attention::check_query(Var query, const Indices& sentence_of_row) const {
  check_rank("attend", "query", query.shape(), 2, 2);
  const std::int64_t rows =
      rows_of("attend", sentence_of_row, query.value(), batch_, query.needs_gradient() || needs_gradient());
  check_shape("attend", "query", query.shape(), {rows, align_});
}

Attended Attention::operator()(Var query, const Indices& sentence_of_row) const {
  check_query(query, sentence_of_row);
  Memory& memory = query.value().memory();
  const Tensor alpha({query.shape()[0], steps_}, memory), context({query.shape()[0], context_}, memory);
  forward(query.value(), sentence_of_row, alpha, context);
  std::vector<Var> inputs = {query, keys_, values_};
  if (v_) inputs.push_back(*v_);
  const Var y = query.tape->record(
      "attend", context, inputs,
      [self = *this, query, alpha](const Tensor&, const Tensor& dc) { self.backward(query, alpha, dc); });
  return {y, alpha};
}

void Attention::forward(const Tensor& query, const Indices& sentence_of_row, const Tensor& alpha,
                        const Tensor& context) const {
  const std::int64_t rows = query.shape()[0];
  if constexpr (kHasCuda)
    if (query.on_cuda())
      return cuda::attend(
          {rows, steps_, batch_, align_, context_, keys_.value().data(), values_.value().data(), v_data(),
           lengths_.in(query.memory()), sentence_of_row.in(query.memory())},
          query.data(), alpha.data(), context.data());
  alpha.fill(0);
  context.fill(0);
  parallel_for(rows, steps_ * ((v_ ? 8 : 1) * align_ + context_), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t b = sentence_of_row.empty() ? row : sentence_of_row[row];
      real* const weights = alpha.data() + row * steps_;
      for (int j = 0; j < lengths_[b]; ++j) {
        const real* const q = query.data() + row * align_;
        const real* const key = keys_.value().data() + (j * batch_ + b) * align_;
        weights[j] = v_ ? additive_score(align_, q, key, v_data()) : dot(align_, q, key);
      }
      softmax_row(lengths_[b], weights, weights);
      for (int j = 0; j < lengths_[b]; ++j)
        add_scaled(context_, weights[j], values_.value().data() + (j * batch_ + b) * context_,
                   context.data() + row * context_);
    }
  });
}

void Attention::backward(Var query, const Tensor& alpha, const Tensor& dc) const {
  if constexpr (kHasCuda)
    if (dc.on_cuda()) return backward_on_cuda(query, alpha, dc);
  // Row b is of sentence b. Each has its own gradients, except that of v, which is summed over the rows
  // afterwards, in order.
  const std::int64_t rows = dc.shape()[0];
  const Tensor dquery = gradient_or_zeros(query), dkeys = gradient_or_zeros(keys_),
               dvalues = gradient_or_zeros(values_);
  const Tensor dv = v_ ? Tensor::zeros({rows, align_}) : Tensor();
  const std::int64_t cost = steps_ * ((v_ ? 10 : 2) * align_ + 2 * context_);
  parallel_for(rows, cost, [&](std::int64_t begin, std::int64_t end) {
    std::vector<real> dalpha(static_cast<std::size_t>(steps_));
    for (std::int64_t b = begin; b < end; ++b) {
      const real* const weights = alpha.data() + b * steps_;
      const real* const dc_row = dc.data() + b * context_;
      real mean = 0;  // sum_k alpha_bk dalpha_bk
      for (int j = 0; j < lengths_[b]; ++j) {
        const std::int64_t at = (j * batch_ + b) * context_;
        dalpha[j] = dot(context_, dc_row, values_.value().data() + at);
        add_scaled(context_, weights[j], dc_row, dvalues.data() + at);
        mean += weights[j] * dalpha[j];
      }
      for (int j = 0; j < lengths_[b]; ++j) {
        const std::int64_t at = (j * batch_ + b) * align_;
        const real de = weights[j] * (dalpha[j] - mean);
        const real *const q = query.value().data() + b * align_, *const key = keys_.value().data() + at;
        real *const dq = dquery.data() + b * align_, *const dkey = dkeys.data() + at;
        if (v_) {
          add_additive_score_gradient(align_, de, q, key, v_data(), dq, dkey, dv.data() + b * align_);
        } else {
          add_scaled(align_, de, key, dq);
          add_scaled(align_, de, q, dkey);
        }
      }
    }
  });
  if (v_needs_gradient()) add_sum_of_rows(dv, v_->gradient());
}

void Attention::backward_on_cuda(Var query, const Tensor& alpha, const Tensor& dc) const {
  if constexpr (kHasCuda) {
    Memory& memory = dc.memory();
    const bool add = query.needs_gradient() && query.has_gradient();
    const Tensor dquery = add ? query.gradient() : Tensor(query.shape(), memory);
    if (v_needs_gradient() && !sums_->dv_rows.defined())
      sums_->dv_rows = Tensor::zeros({batch_, align_}, memory);
    cuda::attend_gradient({batch_, steps_, batch_, align_, context_, keys_.value().data(),
                           values_.value().data(), v_data(), lengths_.in(memory), nullptr},
                          query.value().data(), alpha.data(), dc.data(), dquery.data(), add,
                          keys_.needs_gradient() ? keys_.gradient().data() : nullptr, sums_->dv_rows.data());
    if (query.needs_gradient() && !add) query.adopt_gradient(dquery);
    if (values_.needs_gradient()) {
      sums_->alpha.push_back(alpha);
      sums_->dc.push_back(dc);
    }
  }
}

// dv += the sum of dv_rows. For each sentence b, dvalues_b (S, C) += alpha_b^T dc_b with alpha_b (T, S) and
// dc_b (T, C).
void Attention::add_sums(Var values, std::optional<Var> v, const Sums& sums) {
  if constexpr (kHasCuda) {
    if (sums.dv_rows.defined()) add_sum_of_rows(sums.dv_rows, v->gradient());
    if (sums.alpha.empty()) return;
    const std::int64_t count = static_cast<std::int64_t>(sums.alpha.size());
    const std::int64_t S = values.shape()[0], B = values.shape()[1], C = values.shape()[2];
    const Tensor alpha = join_columns(sums.alpha, 0, S), dc = join_columns(sums.dc, 0, C);
    cuda::gemm_batched(B, S, C, count, {alpha.data(), B * S, true}, S, {dc.data(), B * C, false}, C,
                       values.gradient().data(), B * C, C, true);
  }
}

Attended attend(Var query, Var keys, Var values, std::optional<Var> v, const Indices& lengths,
                const Indices& sentence_of_row) {
  return Attention(keys, values, v, lengths)(query, sentence_of_row);
}

}  // namespace mininmt
