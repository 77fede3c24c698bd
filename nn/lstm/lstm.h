// The deep LSTM (MODEL.md 9.8; Sutskever, Vinyals, Le 2014): a stack of LSTMs reads the source, another one
// starts from its last state and writes the target. No attention.
#pragma once

#include "nn/embeddings.h"
#include "nn/families.h"
#include "nn/training/noise.h"
#include "ops/lstm.h"

namespace mininmt {

// The parameters of one layer, stacked by kind: W (4n, m), U (4n, n), b (4n) in the order i, f, c, o; the
// peepholes p (3n) in the order i, f, o.
struct LstmLayer {
  LstmLayer(Parameters& parameters, const std::string& name, int inputs, const Config& config);

  // T steps over x (T, B, m).
  LstmStates run(Tape& tape, Var x, const LstmState& start, const Indices& lengths) const;

  const Parameter &W, &U, &b, &p;
};

class DeepLstm : public Model {
 public:
  explicit DeepLstm(const Config& config);

  bool attends() const override { return false; }
  Var costs(Tape& tape, const Batch& batch, const Training& training) const override;
  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override;

  // The last state of each layer, from which the decoder's layer starts.
  std::vector<LstmState> encode(Tape& tape, const Words& source, const Indices& lengths,
                                const Noise& noise) const;

  // The decoder over T words (kNone: zeros) from a state of each layer, which becomes the last one. Returns h
  // of the top layer, (T, B, n).
  Var run_decoder(Tape& tape, const Words& words, std::vector<LstmState>& states, const Noise& noise) const;

  // p(y_i) = softmax(W_o h + b_y); W_o may be E_y.
  const Parameter& output_weight() const { return W_o_; }  // (V_y, n)
  const Parameter& output_bias() const { return b_y_; }    // (V_y)

 private:
  double dropout_embeddings_, dropout_layers_;
  Embeddings embeddings_;
  std::vector<LstmLayer> encoder_, decoder_;
  const Parameter &W_o_, &b_y_;
};

Family lstm_family();

}  // namespace mininmt
