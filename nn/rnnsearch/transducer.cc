// The transducer (MODEL.md 9.3; Graves 2012; Yu, Buys, Blunsom 2016): a cursor writes the next word or moves
// on, and the probability of a sentence is summed over all its paths.
#include "nn/rnnsearch/late.h"
#include "ops/additive_joint.h"
#include "ops/additive_scores.h"
#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/lattice.h"
#include "ops/matmul.h"
#include "ops/softmax.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// z(u,j) = v_e . tanh(W_e s_u + U_e h_j + b_e) + b        e = sigmoid(z): write; 1 - e: move on
// deep joint:     w(u,j) = log softmax(W_o maxout(U_o s_u + V_o E_y y_u + C_o h_j + b_o) + b_y)[y_{u+1}]
// additive joint: w(u,j) = log softmax(f_j + g_u)[y_{u+1}]
//                 f_j = W_o C_o h_j        g_u = W_o (U_o s_u + V_o E_y y_u + b_o) + b_y
class Transducer : public LateModel {
 public:
  explicit Transducer(const Config& config)
      : LateModel(config, config.integer("dim-maxout") * (config.text("joint") == "deep" ? 2 : 1)),
        deep_(config.text("joint") == "deep"),
        W_e_(parameters_.add("transducer.W_e", {config.integer("dim-align"), config.integer("dim-rnn")},
                             Initial::normal(0.001))),
        U_e_(parameters_.add("transducer.U_e", {config.integer("dim-align"), encoder_.annotation_size()},
                             Initial::normal(0.001))),
        b_e_(parameters_.add("transducer.b_e", {config.integer("dim-align")})),
        v_e_(parameters_.add("transducer.v_e", {config.integer("dim-align")})),
        b_(parameters_.add("transducer.b", {1})) {
    if (decoder_order(config) != DecoderOrder::kAuthors)
      throw UsageError("transducer: only with decoder-order authors, not " + config.text("decoder-order"));
  }

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override {
    refuse_label_smoothing(training);
    const OfPairs of = of_pairs(tape, batch, training.noise);
    return lattice_losses(of.w, of.z, tape.leaf(b_), of.cells);
  }

  // g, MODEL.md 9.3
  Tensor posteriors(const Batch& batch) const override {
    Tape tape;
    const OfPairs of = of_pairs(tape, batch, {});
    return lattice_posteriors(of.w, of.z, tape.leaf(b_), of.cells);
  }

  std::unique_ptr<Decoding> decode(Tape& tape, const mininmt::Words& source,
                                   const Indices& lengths) const override {
    return std::make_unique<TransducerDecoding>(tape, *this, encoder_.encode(tape, source, lengths, {}));
  }

 private:
  // The state is s_u and, after the first word, what there was when the cursor wrote the last word: log pi
  // (R, S), where it was, the readout's part of the state, and the joint's log Z (R, S).
  class TransducerDecoding : public LateDecoding {
   public:
    TransducerDecoding(Tape& tape, const Transducer& model, const Encoded& encoded)
        : model_(model),
          lengths_(encoded.lengths),
          s_0_(model.decoder_.first_state(tape, encoded.start)),
          gate_keys_(linear(encoded.annotations, tape.leaf(model.U_e_))),
          keys_(model.source_terms(tape, encoded.annotations, {})),
          U_(tape.leaf(model.decoder_.recurrent_weight())) {
      if (!model.deep_) positions_ = position_exponentials(keys_, lengths_, true);
    }

    State start() const override { return {0, {s_0_}}; }

    void skip_positions(double share) override {  // additive: one product for all positions
      model_.deep_ ? LateDecoding::skip_positions(share) : Decoding::skip_positions(share);
    }

   private:
    std::pair<State, Prediction> advance(Tape& tape, const State& before, const Indices& words,
                                         const Indices& sentence_of_row, bool predicts) const override {
      const Cells cells = Cells::of_search(sentence_of_row, lengths_, true);
      const PreviousWords previous(tape, model_.decoder_, words);
      const Step now = model_.step(before.parts[0], before.words == 0, previous.projected, U_);
      Tensor reached;  // a(u-1, j), up to a constant
      if (before.words > 0) reached = add(before.parts[1], last_log_p(tape, before, cells, words)).value();
      const Tensor z = model_.gates(tape, now.states.position, gate_keys_, cells).value();
      const Var log_pi = tape.constant(lattice_step(reached, z, model_.b_.value, cells));
      const Tensor pi = softmax(log_pi, cells.lengths_of_words()).value();
      const Var query = model_.decoder_.readout_of_state(tape, now.states.readout, previous.embedded);
      const Tensor weights = predicts ? mixing_weights(pi) : Tensor();
      const Mixed mixed =
          model_.deep_
              ? mixed_log_p(model_.deep_joint(tape, query, keys_, {}), cells, weights)
              : mixed_log_p(model_.additive_joint(tape, query, keys_, {}), positions_, cells, weights);
      return {{before.words + 1, {now.next, log_pi, query, tape.constant(mixed.log_z)}},
              {mixed.log_p, {}, pi}};
    }

    // w(u-1, j) of the last words, of which the joint needs one logit a cell.
    Var last_log_p(Tape& tape, const State& before, const Cells& cells, const Indices& words) const {
      const Var query = before.parts[2];
      const Tensor log_z = before.parts[3].value();
      if (model_.deep_)
        return tape.constant(cell_log_p(model_.deep_joint(tape, query, keys_, {}), cells, words, log_z));
      const Tensor& b_y = model_.decoder_.output_bias().value;
      const Var rows = embed(tape.leaf(model_.decoder_.output_weight()), one_step(words));
      const Var g =
          add(dot_scores(query, rows), gather_rows(tape.constant(b_y.reshape({b_y.size(), 1})), words));
      return tape.constant(cell_log_p(g, keys_, cells, words, log_z));
    }

    const Transducer& model_;
    Indices lengths_;
    Var s_0_, gate_keys_, keys_;
    PositionExponentials positions_;  // of the additive joint
    StepWeight U_;
  };

  // At the cells of given pairs: w(u,j), and z(u,j) without b.
  struct OfPairs {
    Var w, z;
    Cells cells;
  };

  OfPairs of_pairs(Tape& tape, const Batch& batch, const Noise& noise) const {
    Words words = read(tape, batch, noise);
    words.cells.late_end = true;
    const Var h = words.encoded.annotations;
    const Var z = gates(tape, words.states.position, linear(h, tape.leaf(U_e_)), words.cells);
    const Var query = decoder_.readout_of_state(tape, words.states.readout, words.embedded);
    const Var keys = source_terms(tape, h, noise);
    return {log_p(tape, query, keys, words.cells, batch.targets, noise), z, words.cells};
  }

  // z without b
  Var gates(Tape& tape, Var s, Var keys, const Cells& cells) const {
    return additive_scores(linear(s, tape.leaf(W_e_), tape.leaf(b_e_)), keys, tape.leaf(v_e_), cells);
  }

  // The joint's part of the source: C_o h_j (S, B, 2l), or f_j (S, B, V).
  Var source_terms(Tape& tape, Var h, const Noise& noise) const {
    const Var terms = decoder_.readout_of_source(tape, h);
    if (deep_) return terms;
    return linear(noise.apply(terms, dropout_readout_, kReadoutOfSource),
                  tape.leaf(decoder_.output_weight()));
  }

  AdditiveJoint additive_joint(Tape& tape, Var query, Var f, const Noise& noise) const {
    const Var kept = noise.apply(query, dropout_readout_, kReadout);
    return {linear(kept, tape.leaf(decoder_.output_weight()), tape.leaf(decoder_.output_bias())), f};
  }

  Var log_p(Tape& tape, Var query, Var keys, const Cells& cells, const Indices& targets,
            const Noise& noise) const {
    return deep_ ? cell_log_p(deep_joint(tape, query, keys, noise), cells, targets)
                 : cell_log_p(additive_joint(tape, query, keys, noise), cells, targets);
  }

  bool deep_;
  const Parameter &W_e_, &U_e_, &b_e_, &v_e_, &b_;
};

}  // namespace

AttentionKind transducer() {
  return {.name = "transducer",
          .help = "one annotation at a time, summed over all paths of a cursor (RNN transducer)",
          .fields = {dim_align_field(),
                     choice_field(
                         "joint", {"additive", "deep"},
                         "how state and annotation predict a word: added logits, or RNNsearch's readout")},
          .bidirectional = true,
          .make = nullptr,
          .make_model = [](const Config& config) { return std::unique_ptr<Model>(new Transducer(config)); }};
}

}  // namespace mininmt
