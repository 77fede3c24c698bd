#include "nn/transformer/transformer.h"

#include <cmath>

#include "nn/transformer/decoding.h"
#include "ops/arrange.h"
#include "ops/embedding.h"
#include "ops/output.h"
#include "ops/positions.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Dropout sites: the embeddings, then the residual connections of all layers.
enum Site : std::uint64_t { kSource = 1, kTarget, kFirstLayer };

const Config& checked(const Config& config) {
  const int d = config.integer("dim-model"), heads = config.integer("heads");
  if (d % heads != 0) throw UsageError(join("heads: ", heads, " do not divide dim-model ", d));
  if (d % 2 != 0) throw UsageError(join("dim-model: ", d, " is odd, but sines and cosines come in pairs"));
  return config;
}

Initial of_embeddings(const Config& config) {
  return Initial::normal(1 / std::sqrt(static_cast<double>(config.integer("dim-model"))));
}

template <class Layer>
std::vector<Layer> layers(Parameters& parameters, const std::string& side, const Config& config,
                          std::uint64_t first_site, std::uint64_t sites) {
  std::vector<Layer> all;
  for (int l = 0; l < config.integer("layers"); ++l)
    all.emplace_back(parameters, join(side, ".layer", l + 1), config,
                     first_site + sites * static_cast<std::uint64_t>(l));
  return all;
}

std::optional<LayerNorm> last_norm(Parameters& parameters, const std::string& side, const Config& config) {
  if (config.text("norm") == "post") return std::nullopt;
  return LayerNorm(parameters, side + ".norm", config.integer("dim-model"));
}

Initial of_output(const Config& config) {
  return Initial::uniform(std::sqrt(6.0 / (config.target_words + config.integer("dim-model"))));
}

}  // namespace

Transformer::Transformer(const Config& config)
    : Model(checked(config)),
      embeddings_(parameters_, config_, "dim-model", of_embeddings(config)),
      encoder_(layers<EncoderLayer>(parameters_, "encoder", config, kFirstLayer, 2)),
      decoder_(layers<DecoderLayer>(parameters_, "decoder", config,
                                    kFirstLayer + 2 * static_cast<std::uint64_t>(config.integer("layers")),
                                    3)),
      encoder_norm_(last_norm(parameters_, "encoder", config)),
      decoder_norm_(last_norm(parameters_, "decoder", config)),
      W_o_(embeddings_.output("dim-model", of_output(config))),
      b_y_(parameters_.add("output.b_y", {config.target_words})) {}

Var Transformer::embed_words(Var E, const Words& words, int first, const Noise& noise,
                             std::uint64_t site) const {
  const real factor = std::sqrt(static_cast<real>(config_.integer("dim-model")));
  return noise.apply(add_positions(embed(E, words), factor, first), config_.real_number("dropout"), site);
}

Var Transformer::embed_source(Tape& tape, const Words& words, const Noise& noise) const {
  return embed_words(tape.leaf(embeddings_.source), words, 0, noise, kSource);
}

Var Transformer::embed_target(Tape& tape, const Words& words, int first, const Noise& noise) const {
  return embed_words(tape.leaf(embeddings_.target), words, first, noise, kTarget);
}

Var Transformer::encode(Var x, const Indices& lengths, const Noise& noise) const {
  for (const EncoderLayer& layer : encoder_) x = layer(x, lengths, noise);
  return encoder_norm_ ? (*encoder_norm_)(x) : x;
}

Var Transformer::decode_all(Var x, Var source, const Indices& lengths, const Noise& noise) const {
  for (const DecoderLayer& layer : decoder_)
    x = layer(
        x, noise, [&](Var h) { return layer.self()(h, h, {}, true); },
        [&](Var h) { return layer.source()(h, source, lengths, false); });
  return normalize_decoded(x);
}

Var Transformer::costs(Tape& tape, const Batch& batch, const Training& training) const {
  const Noise& noise = training.noise;
  const Var source = encode(embed_source(tape, batch.source, noise), batch.source_lengths, noise);
  const Var x = decode_all(embed_target(tape, batch.previous, 0, noise), source, batch.source_lengths, noise);
  return output_losses(gather_rows(x, batch.rows), tape.leaf(W_o_), tape.leaf(b_y_), batch.targets,
                       training.label_smoothing);
}

// On a tape of its own: search needs only the keys and values of the source.
std::unique_ptr<Decoding> Transformer::decode(Tape&, const Words& source, const Indices& lengths) const {
  Tape tape;
  return transformer_decoding(*this, encode(embed_source(tape, source, {}), lengths, {}), lengths);
}

Family transformer_family() {
  return {
      .name = "transformer",
      .fields = {layers_field(), size_field("heads", 4, "h, heads of an attention; they divide --dim-model"),
                 size_field("dim-model", 256, "d, size of embeddings and of all layers' outputs"),
                 size_field("dim-ffn", 512, "hidden units of each feed-forward layer"),
                 choice_field("norm", {"post", "pre"},
                              "layer normalization after each residual connection, as published, or before "
                              "each attention and feed-forward layer"),
                 tied_embeddings_field(),
                 dropout_field("dropout", 0.1, "dropout of embeddings and of each layer's parts")},
      .make = [](const Config& config) -> std::unique_ptr<Model> {
        return std::make_unique<Transformer>(config);
      },
      .shares_vocabulary = ties_all};
}

}  // namespace mininmt
