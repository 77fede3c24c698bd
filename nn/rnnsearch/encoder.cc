#include "nn/rnnsearch/encoder.h"

#include "ops/arrange.h"
#include "ops/embedding.h"

namespace mininmt {

GruParameters::GruParameters(Parameters& parameters, const std::string& name, int m, int n)
    : W(parameters.add(name + ".W", {3 * n, m}, Initial::normal(0.01),
                       {name + ".W_z", name + ".W_r", name + ".W"})),
      U(parameters.add(name + ".U", {3 * n, n}, Initial::orthogonal(),
                       {name + ".U_z", name + ".U_r", name + ".U"})),
      b(parameters.add(name + ".b", {3 * n}, Initial::zeros(), {name + ".b_z", name + ".b_r", name + ".b"})) {
}

Encoder::Encoder(Parameters& parameters, const Config& config, const Embeddings& embeddings,
                 bool bidirectional)
    : dropout_embeddings_(config.real_number("dropout-emb")),
      dropout_annotations_(config.real_number("dropout-annotations")),
      embedding_(embeddings.source),
      forward_(parameters, "encoder.forward", config.integer("dim-emb"), config.integer("dim-rnn")),
      backward_(bidirectional
                    ? std::make_unique<GruParameters>(parameters, "encoder.backward",
                                                      config.integer("dim-emb"), config.integer("dim-rnn"))
                    : nullptr),
      annotation_size_(bidirectional ? 2 * config.integer("dim-rnn") : config.integer("dim-rnn")) {}

// W E_x x_j + b etc.: the part that does not depend on the state.
Var GruParameters::project(Tape& tape, Var embedded) const {
  return linear(embedded, tape.leaf(W), tape.leaf(b));
}

Encoded Encoder::encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const {
  const Var x = noise.apply(embed(tape.leaf(embedding_), source), dropout_embeddings_, kSourceEmbedding);
  const Var of_forward = forward_.project(tape, x), U = tape.leaf(forward_.U);
  if (!backward_) {
    const Var forward = gru_sequence(of_forward, U, lengths, Direction::kForward);
    const Var h = noise.apply(forward, dropout_annotations_, kAnnotations);
    return {h, step(h, source.steps - 1), lengths};  // h_S: padding carries the state through
  }
  const Bigru states = bigru(of_forward, U, backward_->project(tape, x), tape.leaf(backward_->U), lengths);
  const Var h = noise.apply(concat(states.forward, states.backward), dropout_annotations_, kAnnotations);
  return {h, step(states.backward, 0), lengths};
}

}  // namespace mininmt
