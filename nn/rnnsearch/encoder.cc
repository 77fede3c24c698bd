#include "nn/rnnsearch/encoder.h"

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

// W E_x x_j + b and the like: all that does not depend on the state.
Var GruParameters::project(Tape& tape, Var embedded) const {
  return linear(embedded, tape.leaf(W), tape.leaf(b));
}

Encoded Encoder::encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const {
  const Var x = noise.apply(embed(tape.leaf(embedding_), source), noise.embeddings, Noise::kSourceEmbedding);
  const Var of_forward = forward_.project(tape, x), U = tape.leaf(forward_.U);
  if (!backward_) {
    const Var forward = gru_sequence(of_forward, U, lengths, Direction::kForward);
    const Var h = noise.apply(forward, noise.annotations, Noise::kAnnotations);
    return {h, step(h, source.steps - 1), lengths};  // h_S: padding carries the state on
  }
  const Bigru states = bigru(of_forward, U, backward_->project(tape, x), tape.leaf(backward_->U), lengths);
  const Var h = noise.apply(concat(states.forward, states.backward), noise.annotations, Noise::kAnnotations);
  return {h, step(states.backward, 0), lengths};
}

}  // namespace mininmt
