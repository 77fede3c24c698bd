#include "nn/encoder.h"

#include "ops/arrange.h"
#include "ops/embedding.h"

namespace mininmt {

GruParameters::GruParameters(Parameters& parameters, const std::string& name, int m, int n)
    : W(parameters.add(name + ".W", {3 * n, m}, {name + ".W_z", name + ".W_r", name + ".W"})),
      U(parameters.add(name + ".U", {3 * n, n}, {name + ".U_z", name + ".U_r", name + ".U"})),
      b(parameters.add(name + ".b", {3 * n}, {name + ".b_z", name + ".b_r", name + ".b"})) {}

Encoder::Encoder(Parameters& parameters, int words, int m, int n, bool bidirectional)
    : embedding_(parameters.add("source_embedding", {words, m})),
      forward_(parameters, "encoder.forward", m, n),
      backward_(bidirectional ? std::make_unique<GruParameters>(parameters, "encoder.backward", m, n)
                              : nullptr),
      annotation_size_(bidirectional ? 2 * n : n) {}

Var Encoder::run(Tape& tape, const GruParameters& gru, Var embedded, const Indices& lengths,
                 Direction direction) const {
  return gru_sequence(linear(embedded, tape.leaf(gru.W), tape.leaf(gru.b)), tape.leaf(gru.U), lengths,
                      direction);
}

Encoded Encoder::encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const {
  const Var x = noise.apply(embed(tape.leaf(embedding_), source), noise.embeddings, Noise::kSourceEmbedding);
  const Var forward = run(tape, forward_, x, lengths, Direction::kForward);
  if (!backward_) {
    const Var h = noise.apply(forward, noise.annotations, Noise::kAnnotations);
    return {h, step(h, source.steps - 1), lengths};  // h_S: padding carries the state on
  }
  const Var backward = run(tape, *backward_, x, lengths, Direction::kBackward);
  const Var h = noise.apply(concat(forward, backward), noise.annotations, Noise::kAnnotations);
  return {h, step(backward, 0), lengths};
}

}  // namespace mininmt
