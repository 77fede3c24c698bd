#include "nn/batch.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"

namespace mininmt {

std::int64_t Batch::target_words() const {
  return std::accumulate(target_lengths.begin(), target_lengths.end(), std::int64_t{0});
}

IdMatrix pad(std::span<const std::span<const Id>> sentences, Lengths& lengths) {
  std::size_t longest = 0;
  lengths.clear();
  for (const auto& sentence : sentences) {
    if (sentence.empty()) throw Error("[pad] a sentence has at least its </s>");
    longest = std::max(longest, sentence.size());
    lengths.push_back(static_cast<int>(sentence.size()));
  }
  IdMatrix matrix(static_cast<int>(longest), static_cast<int>(sentences.size()));
  for (int b = 0; b < matrix.batch; ++b)
    for (int t = 0; t < lengths[b]; ++t) matrix.at(t, b) = sentences[b][t];
  return matrix;
}

void Batch::send(Memory& memory) const {
  for (const Indices* indices : {&source.ids, &source_lengths, &previous.ids, &rows, &targets})
    indices->in(memory);
}

void Batch::replace(const Batch& other) {
  source.ids.replace(other.source.ids.values());
  source_lengths.replace(other.source_lengths.values());
  previous.ids.replace(other.previous.ids.values());
  target_lengths = other.target_lengths;
  rows.replace(other.rows.values());
  targets.replace(other.targets.values());
}

namespace {

// The matrix with padding up to `steps`, if it has fewer.
IdMatrix extended(IdMatrix matrix, int steps) {
  if (steps > matrix.steps) {
    matrix.steps = steps;
    matrix.ids.resize(static_cast<std::size_t>(steps) * matrix.batch, kNone);
  }
  return matrix;
}

}  // namespace

void drop_words(Batch& batch, double p, const Random& random) {
  std::uint64_t draw = 0;  // even for the source, odd for the target, so that padding changes nothing
  for (Words* words : {&batch.source, &batch.previous}) {
    std::vector<Id> ids(words->ids.begin(), words->ids.end());
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (ids[i] != kNone && ids[i] != kEos && random.uniform(2 * i + draw) < p) ids[i] = kUnk;
    words->ids = std::move(ids);
    ++draw;
  }
}

Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets,
                 const BatchShape& at_least) {
  if (sources.size() != targets.size())
    throw Error(join("[make_batch] ", sources.size(), " sources, ", targets.size(), " targets"));
  Batch batch;
  batch.sentences = static_cast<int>(sources.size());
  Lengths source_lengths;
  batch.source = extended(pad(sources, source_lengths), at_least.source_steps);
  batch.source_lengths = source_lengths;
  const IdMatrix target = extended(pad(targets, batch.target_lengths), at_least.target_steps);
  IdMatrix previous(target.steps, target.batch);
  std::copy(target.ids.begin(), target.ids.end() - target.batch, previous.ids.begin() + target.batch);
  batch.previous = previous;
  std::vector<std::int32_t> rows, words;
  for (std::size_t row = 0; row < target.ids.size(); ++row)
    if (target.ids[row] != kNone) {
      rows.push_back(static_cast<std::int32_t>(row));
      words.push_back(target.ids[row]);
    }
  if (static_cast<std::int64_t>(rows.size()) < at_least.words) {
    rows.resize(static_cast<std::size_t>(at_least.words), kNone);
    words.resize(rows.size(), kNone);
  }
  batch.rows = Indices(rows, true);
  batch.targets = words;
  return batch;
}

}  // namespace mininmt
