// RNNsearch: encoder, attention and decoder (MODEL.md 1-5). Its variants in MODEL.md 9 are kinds of
// --alignment-model.
#pragma once

#include "nn/families.h"
#include "nn/rnnsearch/decoder.h"

namespace mininmt {

class RnnSearch : public Model {
 public:
  explicit RnnSearch(const Config& config);

  const Encoder& encoder() const { return encoder_; }
  const AttentionModel& attention() const { return *attention_; }
  const Decoder& decoder() const { return decoder_; }

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override;
  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override;
  int attention_delay() const override { return attention_delay_of(decoder_order(config())); }

 private:
  Embeddings embeddings_;
  Encoder encoder_;
  std::unique_ptr<AttentionModel> attention_;
  Decoder decoder_;
};

Family rnnsearch_family();

}  // namespace mininmt
