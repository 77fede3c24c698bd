#include "tests/ops/attention_rows.h"

#include <limits>

#include "ops/addressing.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/diagonal.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/normalize.h"
#include "ops/softmax.h"
#include "ops/window.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;

// x (S, B, 1) as (B, S), which also stays as it is.
Var by_rows(Var x) {
  if (x.shape().rank() == 2) return x;
  Var y = step(x, 0);
  for (std::int64_t j = 1; j < x.shape()[0]; ++j) y = concat(y, step(x, j));
  return y;
}

// Positive weights (B, S) from x (S, B, 1) or (B, S), NaN at padding.
Var weights(Var x, const Lengths& lengths) {
  const Var rows = by_rows(x);
  const std::int64_t B = rows.shape()[0], S = rows.shape()[1];
  const Tensor padding = Tensor::zeros({B, S});
  for (std::int64_t b = 0; b < B; ++b)
    for (std::int64_t j = lengths[static_cast<std::size_t>(b)]; j < S; ++j)
      padding.data()[b * S + j] = std::numeric_limits<real>::quiet_NaN();
  return add(softmax(rows, lengths), x.tape->constant(padding.to(x.value().memory())));
}

}  // namespace

Lengths ragged(std::int64_t steps, std::int64_t batch) {
  Lengths lengths;
  for (std::int64_t b = 0; b < batch; ++b) lengths.push_back(static_cast<int>(steps - (b * 2) % steps));
  return lengths;
}

std::vector<std::int64_t> padded_rows(std::int64_t steps, const Lengths& lengths) {
  const std::int64_t batch = static_cast<std::int64_t>(lengths.size());
  std::vector<std::int64_t> rows;
  for (std::int64_t t = 0; t < steps; ++t)
    for (std::int64_t b = 0; b < batch; ++b)
      if (t >= lengths[b]) rows.push_back(t * batch + b);
  return rows;
}

void add_attention(Rows& rows, std::initializer_list<AttentionSize> sizes) {
  for (const auto& [steps, batch, align, context, large] : sizes) {
    const Lengths lengths = ragged(steps, batch);
    const std::vector<std::int64_t> padded = padded_rows(steps, lengths);
    rows.push_back(
        {"attend",
         {{batch, align}, {steps, batch, align}, {steps, batch, context}, {align}},
         [lengths](Tape&, const Inputs& x) { return attend(x[0], x[1], x[2], x[3], lengths).context; },
         large,
         false,
         {{1, padded}, {2, padded}}});
    rows.push_back({"attend, dot score, 2 steps",
                    {{2, batch, align}, {steps, batch, align}, {steps, batch, context}},
                    [lengths](Tape&, const Inputs& x) {
                      const Attention attention(x[1], x[2], {}, lengths);
                      return stack({attention(step(x[0], 0)).context, attention(step(x[0], 1)).context});
                    },
                    large,
                    false,
                    {{1, padded}, {2, padded}}});
    // By step, as annotations come, with padding. By row, without, where there are many steps: a launch for
    // each would take most of the time.
    const bool by_step = steps <= 512;
    const Shape shape = by_step ? Shape{steps, batch, 1} : Shape{batch, steps};
    using Paddings = std::vector<Padding>;
    rows.push_back({"softmax over lengths",
                    {shape},
                    [lengths](Tape&, const Inputs& x) { return softmax(by_rows(x[0]), lengths); },
                    large,
                    false,
                    by_step ? Paddings{{0, padded}} : Paddings()});
    rows.push_back({"address, 2 steps",
                    {shape, shape, {batch, 1}, {batch, 3}, {batch, 1}},
                    [lengths](Tape&, const Inputs& x) {
                      const Addressing by{sigmoid(x[2]), softmax(x[3]), softplus(x[4])};
                      const Var w = weights(x[0], lengths), before = weights(x[1], lengths);
                      return address(w, address(w, before, by, lengths), by, lengths);
                    },
                    large,
                    false,
                    by_step ? Paddings{{0, padded}, {1, padded}} : Paddings()});
    rows.push_back({"dot_scores",
                    {{batch, align}, {steps, batch, align}},
                    [](Tape&, const Inputs& x) { return dot_scores(x[0], x[1]); },
                    large,
                    true});
    rows.push_back({"normalize",
                    {{steps, batch, context}},
                    [](Tape&, const Inputs& x) { return normalize(x[0]); },
                    large});
    rows.push_back({"normalize to a length",
                    {{batch, context}, {batch, 1}},
                    [](Tape&, const Inputs& x) { return normalize(x[0], x[1]); },
                    large});
    rows.push_back({"softmax of whole rows",
                    {{batch, context}},
                    [](Tape&, const Inputs& x) { return softmax(x[0]); },
                    large});
    rows.push_back({"weighted_sum",
                    {{batch, steps}, {steps, batch, context}},
                    [](Tape&, const Inputs& x) { return weighted_sum(x[0], x[1]); },
                    large,
                    true});
    rows.push_back({"attend, 2 steps",
                    {{2, batch, align}, {steps, batch, align}, {steps, batch, context}, {align}},
                    [lengths](Tape&, const Inputs& x) {
                      const Attention attention(x[1], x[2], x[3], lengths);
                      return stack({attention(step(x[0], 0)).context, attention(step(x[0], 1)).context});
                    },
                    large,
                    false,
                    {{1, padded}, {2, padded}}});
    const std::int64_t K = 3;
    rows.push_back(
        {"diagonal, steps 1, 2 and 9",
         {{steps, batch, context}},
         [lengths](Tape&, const Inputs& x) {
           return stack({diagonal(x[0], 1, lengths), diagonal(x[0], 2, lengths), diagonal(x[0], 9, lengths)});
         },
         large,
         false,
         {{0, padded}}});
    rows.push_back({"window, 2 steps",
                    {{2, batch, 3 * K}, {batch, K}, {steps, batch, context}},
                    [lengths](Tape&, const Inputs& x) {
                      const Var first = window_centres(step(x[0], 0), x[1]);
                      const Var second = window_centres(step(x[0], 1), first);
                      return stack({window(step(x[0], 0), first, x[2], lengths).context,
                                    window(step(x[0], 1), second, x[2], lengths).context});
                    },
                    large,
                    false,
                    {{2, padded}}});
  }
}

}  // namespace mininmt
