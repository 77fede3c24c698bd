// Small models with large random parameters, so that every term of every equation matters, and random
// sentences for them. For the float and the double build.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "nn/families.h"
#include "nn/rnnsearch/attention.h"
#include "tensor/random.h"

namespace mininmt {

using Sentence = std::vector<Id>;
using Sentences = std::vector<Sentence>;

// All decoder orders and kinds of attention; those with choices also with each that isn't the default:
// "hops", "hops additive".
inline const std::vector<std::string> kOrders = {"authors", "body", "appendix"};
inline const std::vector<std::string> kAlignments = [] {
  std::vector<std::string> names;
  for (const AttentionKind& kind : attention_kinds()) {
    names.push_back(kind.name);
    for (const Field& field : kind.fields)
      for (std::size_t i = 1; i < field.choices.size(); ++i)
        names.push_back(kind.name + " " + field.choices[i]);
  }
  return names;
}();

// Each with the decoder orders that it has.
struct Variant {
  std::string order, alignment;
};
inline const std::vector<Variant> kVariants = [] {
  std::vector<Variant> variants;
  for (const std::string& order : kOrders)
    for (const std::string& alignment : kAlignments)
      if (order == "authors" || !alignment.starts_with("transducer")) variants.push_back({order, alignment});
  return variants;
}();

// One of kAlignments.
inline void set_alignment(Config& config, const std::string& alignment) {
  const std::size_t space = alignment.find(' ');
  const AttentionKind& kind = find_attention_kind(alignment.substr(0, space));
  config.set("alignment-model", kind.name);
  if (space == std::string::npos) return;
  const std::string choice = alignment.substr(space + 1);
  for (const Field& field : kind.fields)
    if (std::find(field.choices.begin(), field.choices.end(), choice) != field.choices.end())
      config.set(field.name, choice);
}

// Sizes in the paper's notation: V_x, V_y, m, n, n', l.
struct Sizes {
  int source_words = 9, target_words = 11, m = 3, n = 5, align = 7, l = 3;
};

inline Config rnnsearch_config(const Sizes& sizes, const std::string& order = "authors",
                               const std::string& alignment = "additive") {
  Config config("rnnsearch", find_family("rnnsearch").fields);
  config.source_words = sizes.source_words;
  config.target_words = sizes.target_words;
  config.set("dim-emb", sizes.m);
  config.set("dim-rnn", sizes.n);
  config.set("dim-align", sizes.align);
  config.set("dim-maxout", sizes.l);
  config.set("gaussians", 3);
  config.set("decoder-order", order);
  set_alignment(config, alignment);
  for (const char* place : {"dropout-emb", "dropout-annotations", "dropout-readout"}) config.set(place, 0.0);
  return config;
}

// The output layer's matrix is its own or an embedding: "no", "target" or "all".
inline Config with_tied(Config config, const std::string& tied) {
  config.set("tied-embeddings", tied);
  if (tied == "all") config.source_words = config.target_words;
  return config;
}

// A Transformer of one layer and two heads, without dropout.
inline Config transformer_config(const std::string& norm = "post", const std::string& tied = "target") {
  Config config("transformer", find_family("transformer").fields);
  config.source_words = 9;
  config.target_words = 11;
  config.set("layers", 1);
  config.set("heads", 2);
  config.set("dim-model", 6);
  config.set("dim-ffn", 5);
  config.set("norm", norm);
  config.set("dropout", 0.0);
  return with_tied(config, tied);
}

inline Config small_config(const std::string& order = "authors", const std::string& alignment = "additive",
                           int target_words = 11) {
  return rnnsearch_config({.target_words = target_words}, order, alignment);
}

inline Config with_dropout(Config config, double embeddings = 0.2, double annotations = 0.3,
                           double readout = 0.4) {
  config.set("dropout-emb", embeddings);
  config.set("dropout-annotations", annotations);
  config.set("dropout-readout", readout);
  return config;
}

// Label smoothing, of models that have it.
inline double smoothing_of(const Config& config, double label_smoothing) {
  return find_family(config.type).one_softmax(config) ? label_smoothing : 0;
}

// The deep LSTM, of two layers.
inline Config lstm_config(double dropout = 0) {
  Config config("lstm", find_family("lstm").fields);
  config.source_words = 9;
  config.target_words = 11;
  config.set("dim-emb", 3);
  config.set("dim-rnn", 4);
  config.set("layers", 2);
  for (const char* place : {"dropout-emb", "dropout-layers"}) config.set(place, dropout);
  return config;
}

// All parameters from N(0, deviation^2).
inline std::unique_ptr<Model> random_model(const Config& config, std::uint64_t seed = 1,
                                           double deviation = 0.7) {
  auto model = make_model(config);
  const Random random{seed, 77};
  std::uint64_t i = 0;
  for (real& x : model->parameters().values().values()) x = static_cast<real>(deviation * random.normal(i++));
  return model;
}

// One sentence of each length, </s> counted, of words from <unk> to the last.
inline Sentences random_sentences(const std::vector<int>& lengths, int words, std::uint64_t seed = 1) {
  const Random random{seed, 78};
  std::uint64_t i = 0;
  Sentences sentences;
  for (int length : lengths) {
    Sentence& sentence = sentences.emplace_back();
    while (static_cast<int>(sentence.size()) + 1 < length)
      sentence.push_back(kUnk + static_cast<Id>(random.bits(i++) % static_cast<std::uint32_t>(words - kUnk)));
    sentence.push_back(kEos);
  }
  return sentences;
}

inline std::vector<std::span<const Id>> spans(const Sentences& sentences) {
  return {sentences.begin(), sentences.end()};
}

inline Batch batch_of(const Sentences& sources, const Sentences& targets) {
  return make_batch(spans(sources), spans(targets));
}

}  // namespace mininmt
