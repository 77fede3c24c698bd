#include "nn/rnnsearch/rnnsearch.h"

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

// The matrix with more steps of padding, if it has fewer than that.
IdMatrix extended(IdMatrix matrix, int steps) {
  if (steps > matrix.steps) {
    matrix.steps = steps;
    matrix.ids.resize(static_cast<std::size_t>(steps) * matrix.batch, kNone);
  }
  return matrix;
}

}  // namespace

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

RnnSearch::RnnSearch(const ModelOptions& options)
    : options_(options),
      encoder_(parameters_, options.source_words, options.dim_emb, options.dim_rnn,
               options.alignment != AlignmentKind::kFixed),
      alignment_(make_alignment(options, parameters_, encoder_.annotation_size())),
      decoder_(parameters_, options, encoder_.annotation_size()) {
  parameters_.allocate();
}

Var RnnSearch::word_losses(Tape& tape, const Batch& batch, double label_smoothing, const Noise& noise) const {
  const Encoded encoded = encoder_.encode(tape, batch.source, batch.source_lengths, noise);
  const Var embedded = decoder_.embed_words(tape, batch.previous, noise);
  const Var projected = decoder_.project_words(tape, embedded);
  const Decoding decoding(tape, decoder_, *alignment_, encoded);
  Decoding::State state = decoding.start();
  std::vector<Var> states, contexts;
  for (int i = 0; i < batch.previous.steps; ++i) {
    const Decoding::Step step = decoding.step(state, mininmt::step(projected, i));
    state = step.state;
    states.push_back(step.s);
    contexts.push_back(step.c);
  }

  // The readout does not feed back while training, so it runs once, over the words that are there.
  const Var t =
      decoder_.readout(tape, gather_rows(stack(states), batch.rows), gather_rows(embedded, batch.rows),
                       gather_rows(stack(contexts), batch.rows), noise);
  return decoder_.losses(tape, t, batch.targets, label_smoothing);
}

std::vector<double> RnnSearch::log_probabilities(const Batch& batch) const {
  Tape tape;
  const Tensor losses = word_losses(tape, batch).value().to(cpu_memory());
  std::vector<double> result(static_cast<std::size_t>(batch.sentences), 0.0);
  for (std::size_t i = 0; i < batch.rows.size(); ++i)
    if (batch.rows[i] != kNone) result[batch.rows[i] % batch.sentences] -= losses.data()[i];
  return result;
}

}  // namespace mininmt
