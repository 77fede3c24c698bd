#include "nn/rnnsearch/target_steps.h"

#include <algorithm>

#include "ops/bf16_products.h"

namespace mininmt {

TargetSteps::TargetSteps(const Batch& batch, const Memory& memory) : words_(batch.rows) {
  const std::int64_t batch_size = batch.sentences;
  if (!memory.on_host()) {
    rows_.assign(static_cast<std::size_t>(batch.previous.steps), batch_size);
    return;
  }
  for (std::int64_t b = 0; b < batch_size; ++b) {
    const auto length = static_cast<std::size_t>(batch.target_lengths[static_cast<std::size_t>(b)]);
    if (length > rows_.size()) rows_.resize(length);
    std::fill(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(length), b + 1);
  }
  std::vector<std::int32_t> computed, words;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    rows_[i] = std::min(Bf16Products::padded(rows_[i], 4), batch_size);  // more would be too much padding
    first_.push_back(static_cast<std::int64_t>(computed.size()));
    for (std::int64_t b = 0; b < rows_[i]; ++b)
      computed.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(i) * batch_size + b));
  }
  for (const std::int32_t row : batch.rows) {
    const auto i = static_cast<std::size_t>(row / batch_size);
    words.push_back(row == kNone ? kNone : static_cast<std::int32_t>(first_[i] + row % batch_size));
  }
  const auto rows = static_cast<std::int64_t>(computed.size());
  computed.resize(static_cast<std::size_t>(Bf16Products::padded(rows)), kNone);
  computed_ = Indices(computed, true);
  words_ = Indices(words, true);
}

Var TargetSteps::step(Var x, int i) const {
  const auto at = static_cast<std::size_t>(i);
  return computed_.empty() ? mininmt::step(x, i) : slice(x, first_[at], rows_[at]);
}

State TargetSteps::rows(State before, int i) const {
  for (Var& part : before.parts) part = rows(part, i);
  return before;
}

Var TargetSteps::at_words(const std::vector<Var>& steps) const {
  return at_words(computed_.empty() ? stack(steps) : concat_rows(steps));
}

}  // namespace mininmt
