#include "nn/embeddings.h"

#include "tensor/error.h"

namespace mininmt {
namespace {

const Parameter& source_embedding(Parameters& parameters, const Config& config, int size,
                                  const Initial& initial) {
  if (!ties_all(config)) return parameters.add("source_embedding", {config.source_words, size}, initial);
  if (config.source_words != config.target_words)
    throw UsageError(join("tied-embeddings: all needs one vocabulary for both sides, not ",
                          config.source_words, " and ", config.target_words, " words"));
  return parameters.add("embedding", {config.source_words, size}, initial);
}

}  // namespace

Field tied_embeddings_field() {
  return choice_field(
      "tied-embeddings", {"no", "target", "all"},
      "the output layer's matrix is one of its own, the target embedding, or the embedding of "
      "both sides, which then have one vocabulary");
}

bool ties_all(const Config& config) { return config.text("tied-embeddings") == "all"; }

Embeddings::Embeddings(Parameters& parameters, const Config& config, const std::string& size,
                       const Initial& initial)
    : source(source_embedding(parameters, config, config.integer(size), initial)),
      target(ties_all(config)
                 ? source
                 : parameters.add("target_embedding", {config.target_words, config.integer(size)}, initial)),
      parameters_(parameters),
      config_(config),
      size_(size) {}

const Parameter& Embeddings::output(const std::string& columns, const Initial& initial) const {
  const int wanted = config_.integer(columns), size = config_.integer(size_);
  if (config_.text("tied-embeddings") == "no")
    return parameters_.add("output.W_o", {config_.target_words, wanted}, initial);
  if (wanted != size)
    throw UsageError(join("tied-embeddings: an embedding (", size_, " ", size,
                          ") is the output layer's matrix only if that is as wide (", columns, " ", wanted,
                          "): give both one number"));
  return target;
}

}  // namespace mininmt
