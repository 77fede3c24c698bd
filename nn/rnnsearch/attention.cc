#include "nn/rnnsearch/attention.h"

#include "tensor/error.h"

namespace mininmt {

const std::vector<AttentionKind>& attention_kinds() {
  static const std::vector<AttentionKind> all = {
      additive_attention(), fixed_vector(),   diagonal_attention(), window_attention(),
      content_addressing(), hops_attention(), hard_attention(),     transducer()};
  return all;
}

const AttentionKind& find_attention_kind(const std::string& name) {
  for (const AttentionKind& kind : attention_kinds())
    if (kind.name == name) return kind;
  throw UsageError("alignment model '" + name + "' is unknown");
}

Field dim_align_field() { return size_field("dim-align", 256, "n', units of the alignment model"); }

Tensor one_hot_alpha(const Encoded& encoded, std::int64_t rows, const Indices& sentence_of_row,
                     const std::function<std::int64_t(std::int64_t)>& position) {
  const std::int64_t steps = encoded.annotations.shape()[0];
  const Tensor alpha = Tensor::zeros({rows, steps});
  for (std::int64_t r = 0; r < rows; ++r)
    alpha.data()[r * steps + position(sentence_of_row.empty() ? r : sentence_of_row[r])] = 1;
  return alpha;
}

}  // namespace mininmt
