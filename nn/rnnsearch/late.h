// What the systems share that mix the predictions of source positions instead of their annotations (MODEL.md
// 9.3, 9.4): encoder, a decoder whose state does not read the source, and a readout of state and annotation
// at each cell.
#pragma once

#include "nn/model.h"
#include "nn/rnnsearch/decoder.h"
#include "nn/rnnsearch/encoder.h"
#include "ops/cells.h"
#include "ops/deep_joint.h"

namespace mininmt {

class LateModel : public Model {
 public:
  int attention_delay() const override { return attention_delay_of(order_); }

 protected:
  LateModel(const Config& config, int readout_size);

  // The states s at the words of a batch, in the order of batch.rows (N, n): which one the position depends
  // on, which one the readout reads.
  struct States {
    Var position, readout;
  };

  // One step: the states it uses, and the next one. y_{i-1} is projected (R, 3n).
  struct Step {
    States states;
    Var next;
  };
  Step step(Var s, bool first, Var projected, const StepWeight& U) const;

  // A batch, up to the cells.
  struct Words {
    Encoded encoded;
    States states;
    Var embedded;  // (N, m)
    Cells cells;
  };
  Words read(Tape& tape, const Batch& batch, const Noise& noise) const;

  // The readout's deep joint: of a state and word, with the annotations' terms C_o h_j (S, B, 2l).
  DeepJoint deep_joint(Tape& tape, Var readout_of_state, Var readout_of_source, const Noise& noise) const;

  // Throws Error: the cost is not that of one softmax.
  static void refuse_label_smoothing(const Training& training);

  Embeddings embeddings_;
  Encoder encoder_;
  DecoderParts decoder_;
  double dropout_readout_;

 private:
  DecoderOrder order_;
};

// One embedded word of each row, and its part of the state's update, in search.
struct PreviousWords {
  Var embedded, projected;  // (R, m), (R, 3n)

  PreviousWords(Tape& tape, const DecoderParts& decoder, const Indices& words);
};

// Their decoding: a step with the prediction, or only with the weights.
class LateDecoding : public Decoding {
 public:
  std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                    const Indices& sentence_of_row) const override {
    return advance(tape, before, words, sentence_of_row, true);
  }

  std::pair<State, Prediction> attend(Tape& tape, const State& before, const Indices& words,
                                      const Indices& sentence_of_row) const override {
    return advance(tape, before, words, sentence_of_row, false);
  }

  void skip_positions(double share) override { share_ = share; }

 protected:
  // The weights (R, S) to mix with: 0 for positions to be left out.
  Tensor mixing_weights(const Tensor& weights) const;

 private:
  double share_ = 0;

  // predicts: with the mixture, not only alpha.
  virtual std::pair<State, Prediction> advance(Tape& tape, const State& before, const Indices& words,
                                               const Indices& sentence_of_row, bool predicts) const = 0;
};

}  // namespace mininmt
