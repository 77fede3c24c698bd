// The Transformer (MODEL.md 9.9; Vaswani et al. 2017).
#pragma once

#include <optional>

#include "nn/embeddings.h"
#include "nn/families.h"
#include "nn/transformer/layers.h"

namespace mininmt {

class Transformer : public Model {
 public:
  explicit Transformer(const Config& config);

  // sqrt(d) E y + PE, with dropout: the first layer's input. first: the position of step 0.
  Var embed_source(Tape& tape, const Words& words, const Noise& noise) const;
  Var embed_target(Tape& tape, const Words& words, int first, const Noise& noise) const;

  // The encoder's layers: x (S, B, d) -> (S, B, d).
  Var encode(Var x, const Indices& lengths, const Noise& noise) const;
  // The decoder's, all steps at once, over an encoded source: x (T, B, d) -> (T, B, d), of which step i
  // predicts word i + 1.
  Var decode_all(Var x, Var source, const Indices& lengths, const Noise& noise) const;

  const std::vector<DecoderLayer>& decoder() const { return decoder_; }
  Var normalize_decoded(Var x) const { return decoder_norm_ ? (*decoder_norm_)(x) : x; }

  // p(y) = softmax(W_o x + b_y); W_o is E_y if they are tied.
  const Parameter& output_weight() const { return W_o_; }  // (V_y, d)
  const Parameter& output_bias() const { return b_y_; }    // (V_y)

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override;
  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override;

 private:
  Var embed_words(Var E, const Words& words, int first, const Noise& noise, std::uint64_t site) const;

  Embeddings embeddings_;
  std::vector<EncoderLayer> encoder_;
  std::vector<DecoderLayer> decoder_;
  std::optional<LayerNorm> encoder_norm_, decoder_norm_;  // with --norm pre
  const Parameter &W_o_, &b_y_;
};

Family transformer_family();

}  // namespace mininmt
