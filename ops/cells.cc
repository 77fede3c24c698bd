#include "ops/cells.h"

#include <algorithm>
#include <utility>

#include "ops/check.h"

namespace mininmt {

std::vector<std::int32_t> Cells::word_at() const {
  std::vector<std::int32_t> all(static_cast<std::size_t>(target_steps * sentences()), kNone);
  for (std::int64_t n = 0; n < words(); ++n)
    if (rows[n] != kNone) all[static_cast<std::size_t>(rows[n])] = static_cast<std::int32_t>(n);
  return all;
}

Cells Cells::of_search(const Indices& sentence_of_row, const Indices& lengths, bool late_end) {
  std::vector<std::int32_t> rows, seen(lengths.size(), 0);  // rows of each sentence so far
  const auto batch = static_cast<std::int32_t>(lengths.size());
  for (const std::int32_t b : sentence_of_row)
    rows.push_back(seen[static_cast<std::size_t>(b)]++ * batch + b);
  return {std::move(rows), lengths, *std::max_element(seen.begin(), seen.end()), late_end};
}

Indices Cells::lengths_of_words() const {
  std::vector<std::int32_t> all;
  for (std::int64_t n = 0; n < words(); ++n)
    all.push_back(sentence_of(n) == kNone ? 0 : lengths[static_cast<std::size_t>(sentence_of(n))]);
  return all;
}

void Cells::check(const char* op, const Shape& keys) const {
  check_rank(op, "keys", keys, 3, 3);
  check_lengths(op, lengths, keys[0], keys[1]);
  check(op, keys[0]);
}

void Cells::check(const char* op, std::int64_t steps) const {
  check_lengths(op, lengths, steps, sentences());
  std::vector<bool> taken(static_cast<std::size_t>(target_steps * sentences()));
  for (const std::int32_t row : rows) {
    if (row == kNone) continue;
    if (row < 0 || row >= target_steps * sentences())
      throw Error(join("[", op, "] (rows) ", row, " of ", target_steps, " x ", sentences(), " words"));
    if (taken[static_cast<std::size_t>(row)]) throw Error(join("[", op, "] (rows) ", row, " is there twice"));
    taken[static_cast<std::size_t>(row)] = true;
  }
}

void Cells::check_contiguous(const char* op) const {
  const auto all = word_at();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t batch = static_cast<std::size_t>(sentences());
    const bool starts = i < batch, follows = !starts && all[i - batch] != kNone;
    if (starts && all[i] == kNone) throw Error(join("[", op, "] (rows) sentence ", i, " has no words"));
    if (!starts && !follows && all[i] != kNone)
      throw Error(join("[", op, "] (rows) word ", i / batch, " of sentence ", i % batch, " follows none"));
  }
}

void check_cell_targets(const char* op, const Cells& cells, const Indices& targets, std::int64_t words) {
  check_shape(op, "targets", {static_cast<std::int64_t>(targets.size())}, {cells.words()});
  for (std::int64_t n = 0; n < cells.words(); ++n)
    if (cells.rows[n] == kNone ? targets[n] != kNone : targets[n] < 0 || targets[n] >= words)
      throw Error(join("[", op, "] (targets) word ", targets[n], " of ", words, " in row ", cells.rows[n]));
}

}  // namespace mininmt
