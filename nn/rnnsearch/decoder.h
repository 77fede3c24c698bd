// The decoder (MODEL.md 3-5; P A.2.2): the state s_i, the order of attention, prediction and update, and the
// readout.
#pragma once

#include "nn/model.h"
#include "nn/rnnsearch/attention.h"
#include "ops/matmul.h"

namespace mininmt {

enum class DecoderOrder { kAuthors, kBody, kAppendix };  // MODEL.md 5

// What all decoders have: embedding, s_0, the GRU of the state, the readout's terms and the output layer.
class DecoderParts {
 public:
  // annotation_size: the width of what the readout reads of the source, a context c_i. readout_size: 2l for
  // maxout.
  DecoderParts(Parameters& parameters, const Config& config, const Embeddings& embeddings,
               int annotation_size, int readout_size);

  // E_y y for words (T, B): (T, B, m), zeros for "the word before the first" (kNone).
  Var embed_words(Tape& tape, const Words& words, const Noise& noise) const;

  // The part of the state's update that depends only on the word:
  //   [W_z; W_r; W] E_y y + [b_z; b_r; b] (..., 3n)
  Var project_words(Tape& tape, Var embedded) const;

  // s_0 = tanh(W_s h + b_s), from the encoder's start (B, n).
  Var first_state(Tape& tape, Var start) const;

  const Parameter& recurrent_weight() const { return gru_.U; }

  // The readout's input: U_o s + V_o E_y y_{i-1} + b_o, and C_o c. s (..., n), y (..., m), c (..., C).
  Var readout_of_state(Tape& tape, Var s, Var embedded) const;
  Var readout_of_source(Tape& tape, Var c) const;

  // p(y_i) = softmax(W_o t_i + b_y); W_o may be E_y.
  const Parameter& output_weight() const { return W_o_; }  // (V_y, l)
  const Parameter& output_bias() const { return b_y_; }    // (V_y)

 private:
  double dropout_embeddings_;
  const Parameter& embedding_;                 // E_y
  const Parameter &W_s_, &b_s_;                // s_0
  GruParameters gru_;                          // W, U, b of the state
  const Parameter &U_o_, &V_o_, &C_o_, &b_o_;  // readout
  const Parameter &W_o_, &b_y_;                // output
};

class Decoder : public DecoderParts {
 public:
  // annotation_size: the width of a context c_i.
  Decoder(Parameters& parameters, const Config& config, const Embeddings& embeddings, int annotation_size);

  // t_i = maxout(U_o s + V_o E_y y_{i-1} + C_o c_i + b_o): s (N, n), y (N, m), c (N, C) -> (N, l).
  Var readout(Tape& tape, Var s, Var embedded, Var c, const Noise& noise) const;

 private:
  friend class DecoderPass;
  DecoderOrder order_;
  double dropout_readout_;
  const Parameter& C_;  // [C_z; C_r; C] (3n, C)
};

// --decoder-order
DecoderOrder decoder_order(const Config& config);

// y_i is first in s_i with `authors`, which alpha_{i+1} is computed from, else in s_{i+1}.
inline int attention_delay_of(DecoderOrder order) { return order == DecoderOrder::kAuthors ? 1 : 2; }

// One pass of the decoder over a batch, one target word per step, in training and search.
class DecoderPass {
 public:
  DecoderPass(Tape& tape, const Decoder& decoder, const AttentionModel& attention, const Encoded& encoded);

  // The parts of a state: s (R, n); the memory of the attention; and after the first step, with `authors`,
  // the previous context c (R, C).
  State start() const;

  struct Step {
    State after;
    Var s, c;      // what the readout of p(y_i) uses
    Tensor alpha;  // (R, S)
  };

  // Step i = before.words + 1: from the state and the projection (R, 3n) of y_{i-1}.
  Step step(const State& before, Var projected, const Indices& sentence_of_row = {}) const;

 private:
  Var update(Var s, Var projected, Var c) const;

  DecoderOrder order_;
  std::unique_ptr<Attending> attending_;
  StepWeight U_, C_;
  Var s_0_;
};

}  // namespace mininmt
