// The encoder (MODEL.md 1; P 3.2, A.2.1): a GRU over the source in each direction.
#pragma once

#include "nn/embeddings.h"
#include "nn/rnnsearch/sites.h"
#include "nn/training/noise.h"
#include "ops/gru.h"

namespace mininmt {

// The parameters of one GRU, stacked by kind: W (3n, m), U (3n, n), b (3n) in the order z, r, candidate.
struct GruParameters {
  GruParameters(Parameters& parameters, const std::string& name, int m, int n);

  // The part of a step that depends only on the word: [W_z; W_r; W] E x + [b_z; b_r; b],
  // (..., m) -> (..., 3n).
  Var project(Tape& tape, Var embedded) const;

  const Parameter &W, &U, &b;
};

// An encoded batch, for the decoder.
struct Encoded {
  Var annotations;  // h_j (S, B, 2n), or (S, B, n) if only forward
  Var start;        // the input of s_0, (B, n): backward h_1, or forward h_S if only forward
  Indices lengths;  // of the sources
};

class Encoder {
 public:
  // bidirectional: with the backward GRU. The fixed vector (MODEL.md 9.1) has none.
  Encoder(Parameters& parameters, const Config& config, const Embeddings& embeddings, bool bidirectional);

  int annotation_size() const { return annotation_size_; }

  // source (S, B) and its lengths.
  Encoded encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const;

 private:
  double dropout_embeddings_, dropout_annotations_;
  const Parameter& embedding_;  // E_x
  GruParameters forward_;
  std::unique_ptr<GruParameters> backward_;
  int annotation_size_;
};

}  // namespace mininmt
