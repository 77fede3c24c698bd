#include "nn/rnnsearch.h"

#include <algorithm>
#include <numeric>

#include "ops/arrange.h"
#include "ops/softmax_xent.h"
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

Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets) {
  if (sources.size() != targets.size())
    throw Error(join("[make_batch] ", sources.size(), " sources, ", targets.size(), " targets"));
  Batch batch;
  batch.source = pad(sources, batch.source_lengths);
  batch.target = pad(targets, batch.target_lengths);
  return batch;
}

RnnSearch::RnnSearch(const ModelOptions& options)
    : options_(options),
      encoder_(parameters_, options.source_words, options.dim_emb, options.dim_rnn,
               options.alignment != AlignmentKind::kFixed),
      alignment_(make_alignment(options, parameters_, encoder_.annotation_size())),
      decoder_(parameters_, options, encoder_.annotation_size()) {
  parameters_.allocate();
}

std::vector<std::int64_t> RnnSearch::rows_of(const Batch& batch) {
  std::vector<std::int64_t> rows;
  for (int t = 0; t < batch.target.steps; ++t)
    for (int b = 0; b < batch.target.batch; ++b)
      if (t < batch.target_lengths[b]) rows.push_back(std::int64_t{t} * batch.target.batch + b);
  return rows;
}

Var RnnSearch::word_losses(Tape& tape, const Batch& batch, double label_smoothing, const Noise& noise) const {
  const int steps = batch.target.steps, sentences = batch.target.batch;
  IdMatrix previous(steps, sentences);  // y_{i-1}: the target one step later, after no word at all
  std::copy(batch.target.ids.begin(), batch.target.ids.end() - sentences, previous.ids.begin() + sentences);

  const Encoded encoded = encoder_.encode(tape, batch.source, batch.source_lengths, noise);
  const Var embedded = decoder_.embed_words(tape, previous, noise);
  const Var projected = decoder_.project_words(tape, embedded);
  const Decoding decoding(tape, decoder_, *alignment_, encoded);
  Decoding::State state = decoding.start();
  std::vector<Var> states, contexts;
  for (int i = 0; i < steps; ++i) {
    const Decoding::Step step = decoding.step(state, mininmt::step(projected, i));
    state = step.state;
    states.push_back(step.s);
    contexts.push_back(step.c);
  }

  // The readout does not feed back while training, so it runs once, over the words that are there.
  const std::vector<std::int64_t> rows = rows_of(batch);
  std::vector<Id> targets;
  for (std::int64_t row : rows) targets.push_back(batch.target.ids[row]);
  const Var logits = decoder_.logits(tape, gather_rows(stack(states), rows), gather_rows(embedded, rows),
                                     gather_rows(stack(contexts), rows), noise);
  return softmax_xent(logits, targets, label_smoothing);
}

std::vector<double> RnnSearch::log_probabilities(const Batch& batch) const {
  Tape tape;
  const Tensor losses = word_losses(tape, batch).value();
  const std::vector<std::int64_t> rows = rows_of(batch);
  std::vector<double> result(batch.sentences(), 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) result[rows[i] % batch.target.batch] -= losses.data()[i];
  return result;
}

}  // namespace mininmt
