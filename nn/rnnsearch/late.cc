#include "nn/rnnsearch/late.h"

#include <algorithm>
#include <span>

#include "nn/rnnsearch/target_steps.h"
#include "ops/arrange.h"
#include "ops/gru.h"
#include "tensor/error.h"

namespace mininmt {

LateModel::LateModel(const Config& config, int readout_size)
    : Model(config),
      embeddings_(parameters_, config_, "dim-emb", Initial::normal(0.01)),
      encoder_(parameters_, config, embeddings_, true),
      decoder_(parameters_, config, embeddings_, encoder_.annotation_size(), readout_size),
      dropout_readout_(config.real_number("dropout-readout")),
      order_(decoder_order(config)) {}

// MODEL.md 5, without c: `authors` updates with y_{i-1} before word i is predicted, and not before the first.
LateModel::Step LateModel::step(Var s, bool first, Var projected, const StepWeight& U) const {
  if (order_ == DecoderOrder::kAuthors) {
    const Var now = first ? s : gru_step(projected, s, U);
    return {{now, now}, now};
  }
  const Var next = gru_step(projected, s, U);
  return {{s, order_ == DecoderOrder::kBody ? next : s}, next};
}

LateModel::Words LateModel::read(Tape& tape, const Batch& batch, const Noise& noise) const {
  const Encoded encoded = encoder_.encode(tape, batch.source, batch.source_lengths, noise);
  const TargetSteps steps(batch, encoded.annotations.value().memory());
  const Var embedded = steps.computed(decoder_.embed_words(tape, batch.previous, noise));
  const Var projected = decoder_.project_words(tape, embedded);
  const StepWeight U(tape.leaf(decoder_.recurrent_weight()));
  Var s = decoder_.first_state(tape, encoded.start);
  std::vector<Var> position, readout;
  for (int i = 0; i < steps.count(); ++i) {
    const Step now = step(steps.rows(s, i), i == 0, steps.step(projected, i), U);
    s = now.next;
    position.push_back(now.states.position);
    readout.push_back(now.states.readout);
  }
  const Var of_position = steps.at_words(position);
  return {encoded,
          {of_position, order_ == DecoderOrder::kBody ? steps.at_words(readout) : of_position},
          steps.at_words(embedded),
          {batch.rows, batch.source_lengths, batch.previous.steps}};
}

DeepJoint LateModel::deep_joint(Tape& tape, Var readout_of_state, Var readout_of_source,
                                const Noise& noise) const {
  DeepJoint joint{readout_of_state, readout_of_source, tape.leaf(decoder_.output_weight()),
                  tape.leaf(decoder_.output_bias())};
  if (noise.on && dropout_readout_ > 0) {  // one mask a word, the same at all positions
    const Tensor ones({readout_of_state.shape()[0], joint.W.shape()[1]}, readout_of_state.value().memory());
    ones.fill(1);
    joint.mask = noise.apply(tape.constant(ones), dropout_readout_, kReadout).value();
  }
  return joint;
}

void LateModel::refuse_label_smoothing(const Training& training) {
  if (training.label_smoothing != 0)
    throw Error("[costs] label smoothing needs the cost of one softmax, and this model mixes several");
}

Tensor LateDecoding::mixing_weights(const Tensor& weights) const {
  if (share_ == 0) return weights;
  if (!weights.memory().on_host())
    throw UsageError("--skip-positions saves nothing on a GPU, which computes all positions at once");
  const Tensor kept = weights.clone();
  for (std::int64_t r = 0; r < weights.shape()[0]; ++r) {
    const std::span<real> row = kept.slice(r, 1).values();
    const real least = static_cast<real>(share_) * *std::max_element(row.begin(), row.end());
    std::replace_if(
        row.begin(), row.end(), [least](real x) { return x < least; }, real{0});
  }
  return kept;
}

PreviousWords::PreviousWords(Tape& tape, const DecoderParts& decoder, const Indices& words)
    : embedded(mininmt::step(decoder.embed_words(tape, one_step(words), {}), 0)),
      projected(decoder.project_words(tape, embedded)) {}

}  // namespace mininmt
