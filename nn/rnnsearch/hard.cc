// Hard attention, summed (MODEL.md 9.4; Wu, Shapiro, Cotterell 2018): RNNsearch if it mixed the predictions
// of all positions instead of their annotations.
#include "nn/rnnsearch/late.h"
#include "ops/additive_scores.h"
#include "ops/mixture.h"
#include "ops/softmax.h"

namespace mininmt {
namespace {

// e_ij = v_a . tanh(W_a s_{i-1} + U_a h_j)        alpha_ij = softmax over j of e_ij
// p(y_i) = sum_j alpha_ij softmax(W_o t(s, E_y y_{i-1}, h_j) + b_y)
class Hard : public LateModel {
 public:
  explicit Hard(const Config& config)
      : LateModel(config, 2 * config.integer("dim-maxout")),
        W_a_(parameters_.add("attention.W_a", {config.integer("dim-align"), config.integer("dim-rnn")},
                             Initial::normal(0.001))),
        U_a_(parameters_.add("attention.U_a", {config.integer("dim-align"), encoder_.annotation_size()},
                             Initial::normal(0.001))),
        v_a_(parameters_.add("attention.v_a", {config.integer("dim-align")})) {}

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override {
    refuse_label_smoothing(training);
    const Words words = read(tape, batch, training.noise);
    const Var h = words.encoded.annotations;
    const Var e = scores(tape, words.states.position, linear(h, tape.leaf(U_a_)), words.cells);
    const DeepJoint joint =
        deep_joint(tape, decoder_.readout_of_state(tape, words.states.readout, words.embedded),
                   decoder_.readout_of_source(tape, h), training.noise);
    return mixture_losses(cell_log_p(joint, words.cells, batch.targets), e, words.cells);
  }

  std::unique_ptr<Decoding> decode(Tape& tape, const mininmt::Words& source,
                                   const Indices& lengths) const override {
    return std::make_unique<HardDecoding>(tape, *this, encoder_.encode(tape, source, lengths, {}));
  }

 private:
  // The state is s alone.
  class HardDecoding : public LateDecoding {
   public:
    HardDecoding(Tape& tape, const Hard& model, const Encoded& encoded)
        : model_(model),
          lengths_(encoded.lengths),
          s_0_(model.decoder_.first_state(tape, encoded.start)),
          keys_(linear(encoded.annotations, tape.leaf(model.U_a_))),
          readout_(model.decoder_.readout_of_source(tape, encoded.annotations)),
          U_(tape.leaf(model.decoder_.recurrent_weight())) {}

    State start() const override { return {0, {s_0_}}; }

   private:
    std::pair<State, Prediction> advance(Tape& tape, const State& before, const Indices& words,
                                         const Indices& sentence_of_row, bool predicts) const override {
      const PreviousWords previous(tape, model_.decoder_, words);
      const Step now = model_.step(before.parts[0], before.words == 0, previous.projected, U_);
      const Cells cells = Cells::of_search(sentence_of_row, lengths_);
      const Var e = model_.scores(tape, now.states.position, keys_, cells);
      const Tensor alpha = softmax(e, cells.lengths_of_words()).value();
      State after{before.words + 1, {now.next}};
      if (!predicts) return {std::move(after), {{}, {}, alpha}};
      const Var query = model_.decoder_.readout_of_state(tape, now.states.readout, previous.embedded);
      const DeepJoint joint = model_.deep_joint(tape, query, readout_, {});
      return {std::move(after), {mixed_log_p(joint, cells, mixing_weights(alpha)).log_p, {}, alpha}};
    }

    const Hard& model_;
    Indices lengths_;
    Var s_0_, keys_, readout_;
    StepWeight U_;
  };

  Var scores(Tape& tape, Var s, Var keys, const Cells& cells) const {
    return additive_scores(linear(s, tape.leaf(W_a_)), keys, tape.leaf(v_a_), cells);
  }

  const Parameter &W_a_, &U_a_, &v_a_;
};

}  // namespace

AttentionKind hard_attention() {
  return {.name = "hard",
          .help = "each annotation, whose predictions are mixed (hard attention, summed)",
          .fields = {dim_align_field()},
          .bidirectional = true,
          .make = nullptr,
          .make_model = [](const Config& config) { return std::unique_ptr<Model>(new Hard(config)); }};
}

}  // namespace mininmt
