#include "nn/transformer/layers.h"

#include <cmath>

namespace mininmt {
namespace {

// Glorot, Bengio 2010: uniform with variance 2 / (rows + columns).
const Parameter& matrix(Parameters& parameters, const std::string& name, int rows, int columns) {
  return parameters.add(name, {rows, columns}, Initial::uniform(std::sqrt(6.0 / (rows + columns))));
}

const Parameter& square(Parameters& parameters, const std::string& name, const Config& config) {
  return matrix(parameters, name, config.integer("dim-model"), config.integer("dim-model"));
}

}  // namespace

LayerNorm::LayerNorm(Parameters& parameters, const std::string& name, int d)
    : gain_(parameters.add(name + ".gain", {d}, Initial::constants_of({1}))),
      bias_(parameters.add(name + ".bias", {d})) {}

MultiHead::MultiHead(Parameters& parameters, const std::string& name, const Config& config)
    : heads_(config.integer("heads")),
      W_Q_(square(parameters, name + ".W_Q", config)),
      W_K_(square(parameters, name + ".W_K", config)),
      W_V_(square(parameters, name + ".W_V", config)),
      W_O_(square(parameters, name + ".W_O", config)) {}

FeedForward::FeedForward(Parameters& parameters, const std::string& name, const Config& config)
    : W_1_(matrix(parameters, name + ".W_1", config.integer("dim-ffn"), config.integer("dim-model"))),
      b_1_(parameters.add(name + ".b_1", {config.integer("dim-ffn")})),
      W_2_(matrix(parameters, name + ".W_2", config.integer("dim-model"), config.integer("dim-ffn"))),
      b_2_(parameters.add(name + ".b_2", {config.integer("dim-model")})) {}

Residual::Residual(Parameters& parameters, const std::string& name, const Config& config, std::uint64_t site)
    : pre_(config.text("norm") == "pre"),
      dropout_(config.real_number("dropout")),
      site_(site),
      norm_(parameters, name + ".norm", config.integer("dim-model")) {}

EncoderLayer::EncoderLayer(Parameters& parameters, const std::string& name, const Config& config,
                           std::uint64_t site)
    : self_(parameters, name + ".self_attention", config),
      feed_(parameters, name + ".feed_forward", config),
      around_self_(parameters, name + ".self_attention", config, site),
      around_feed_(parameters, name + ".feed_forward", config, site + 1) {}

DecoderLayer::DecoderLayer(Parameters& parameters, const std::string& name, const Config& config,
                           std::uint64_t site)
    : self_(parameters, name + ".self_attention", config),
      source_(parameters, name + ".source_attention", config),
      feed_(parameters, name + ".feed_forward", config),
      around_self_(parameters, name + ".self_attention", config, site),
      around_source_(parameters, name + ".source_attention", config, site + 1),
      around_feed_(parameters, name + ".feed_forward", config, site + 2) {}

}  // namespace mininmt
