#include "ops/mixture.h"

#include <vector>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// One word: its scores and their sum with w, at the positions of its sentence.
struct Row {
  std::vector<real> scores, joint;

  Row(std::int64_t length, const real* w, const real* e)
      : scores(e, e + length), joint(static_cast<std::size_t>(length)) {
    for (std::int64_t j = 0; j < length; ++j) joint[j] = e[j] + w[j];
  }
  std::int64_t length() const { return static_cast<std::int64_t>(scores.size()); }
};

// Calls use(n, row) for each word that is not padding.
template <class Use>
void for_words(const Cells& cells, const Tensor& w, const Tensor& scores, const Use& use) {
  const std::int64_t steps = w.shape()[1];
  parallel_for(cells.words(), 30 * steps, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      if (const std::int64_t b = cells.sentence_of(n); b != kNone)
        use(n, Row(cells.lengths[b], w.data() + n * steps, scores.data() + n * steps));
  });
}

void set_losses(const Cells& cells, const Tensor& w, const Tensor& scores, const Tensor& loss) {
  if constexpr (kHasCuda)
    if (w.on_cuda())
      return cuda::mixture_losses(cells.in(w.memory(), w.shape()[1]), w.data(), scores.data(), loss.data());
  loss.fill(0);
  for_words(cells, w, scores, [&](std::int64_t n, const Row& row) {
    loss.data()[n] =
        log_sum_exp(row.length(), row.scores.data()) - log_sum_exp(row.length(), row.joint.data());
  });
}

// dw and dscores are zero.
void set_gradients(const Cells& cells, const Tensor& w, const Tensor& scores, const Tensor& dloss,
                   const Tensor& dw, const Tensor& dscores) {
  const std::int64_t steps = w.shape()[1];
  if constexpr (kHasCuda)
    if (w.on_cuda())
      return cuda::mixture_gradient(cells.in(w.memory(), steps), w.data(), scores.data(), dloss.data(),
                                    dw.data(), dscores.data());
  for_words(cells, w, scores, [&](std::int64_t n, Row row) {
    softmax_row(row.length(), row.scores.data(), row.scores.data());
    softmax_row(row.length(), row.joint.data(), row.joint.data());
    for (std::int64_t j = 0; j < row.length(); ++j) {
      dw.data()[n * steps + j] = -dloss.data()[n] * row.joint[j];
      dscores.data()[n * steps + j] = dloss.data()[n] * (row.scores[j] - row.joint[j]);
    }
  });
}

}  // namespace

Var mixture_losses(Var w, Var scores, const Cells& cells) {
  check_rank("mixture_losses", "w", w.shape(), 2, 2);
  check_shape("mixture_losses", "w", w.shape(), {cells.words(), w.shape()[1]});
  check_shape("mixture_losses", "scores", scores.shape(), w.shape());
  cells.check("mixture_losses", w.shape()[1]);
  const Tensor loss({cells.words()}, w.value().memory());
  set_losses(cells, w.value(), scores.value(), loss);
  return w.tape->record("mixture_losses", loss, {w, scores}, [=](const Tensor&, const Tensor& dloss) {
    const Tensor dw = Tensor::zeros(w.shape(), dloss.memory());
    const Tensor dscores = Tensor::zeros(w.shape(), dloss.memory());
    set_gradients(cells, w.value(), scores.value(), dloss, dw, dscores);
    if (w.needs_gradient()) add_gradient(w, dw);
    if (scores.needs_gradient()) add_gradient(scores, dscores);
  });
}

}  // namespace mininmt
