// The decoder (MODEL.md 3-5; P A.2.2): the state s_i, the order of look, generate and update, and the
// readout.
#pragma once

#include "nn/rnnsearch/alignment.h"
#include "ops/output.h"

namespace mininmt {

class Decoder {
 public:
  // annotation_size: the width of a context c_i.
  Decoder(Parameters& parameters, const ModelOptions& options, int annotation_size);

  // E_y y for words (T, B): (T, B, m), zeros for "the word before the first" (kNone).
  Var embed_words(Tape& tape, const Words& words, const Noise& noise) const;

  // The part of the state's update that depends on the word alone: [W_z; W_r; W] E_y y + [b_z; b_r; b], (...,
  // 3n).
  Var project_words(Tape& tape, Var embedded) const;

  // t_i = maxout(U_o s + V_o E_y y_{i-1} + C_o c_i + b_o): s (N, n), y (N, m), c (N, C) -> (N, l).
  Var readout(Tape& tape, Var s, Var embedded, Var c, const Noise& noise) const;

  // -log p(y_i) with p = softmax(W_o t_i + b_y): t (N, l), targets (N) -> (N).
  Var losses(Tape& tape, Var t, const Indices& targets, double label_smoothing) const;

  // The k best words that W_o t_i + b_y gives, for each row of t; see ops/output.h.
  BestWords best_words(Tape& tape, Var t, std::int64_t k, bool bar_unk, const Indices& bar_eos) const;

 private:
  friend class Decoding;
  const Parameter& embedding_;                 // E_y
  const Parameter &W_s_, &b_s_;                // s_0
  GruParameters gru_;                          // W, U, b of the state
  const Parameter& C_;                         // [C_z; C_r; C] (3n, C)
  const Parameter &U_o_, &V_o_, &C_o_, &b_o_;  // readout
  const Parameter &W_o_, &b_y_;                // output
  DecoderOrder order_;
};

// One pass of the decoder over a batch, a target word a step; the same code for training and for search.
class Decoding {
 public:
  Decoding(Tape& tape, const Decoder& decoder, const Alignment& alignment, const Encoded& encoded);

  struct State {
    Var s;  // (R, n)
    Var c;  // (R, C) the context of the step before, which the order `authors` needs; unset before the first
            // step
  };
  struct Step {
    State state;   // after the step
    Var s, c;      // what the readout of p(y_i) uses
    Tensor alpha;  // (R, S)
  };

  State start() const { return {s_0_, {}}; }

  // Step i: from the state and the projection (R, 3n) of the word y_{i-1}.
  Step step(const State& before, Var projected, const Indices& sentence_of_row = {}) const;

 private:
  Var update(Var s, Var projected, Var c) const;

  DecoderOrder order_;
  std::unique_ptr<Look> look_;
  StepWeight U_, C_;
  Var s_0_;
};

}  // namespace mininmt
