// A model folder (MODEL.md 8): model.safetensors, source.vocab, target.vocab and the training options.
#pragma once

#include <memory>
#include <string>

#include "apps/text/vocab.h"
#include "nn/model_file.h"

namespace mininmt {

inline constexpr char kSourceVocab[] = "source.vocab";
inline constexpr char kTargetVocab[] = "target.vocab";
inline constexpr char kLastModel[] = "last.safetensors";  // the model at the end of training

struct LoadedModel {
  std::unique_ptr<Model> model;
  Vocab source, target;
};

// Reads a model from its folder; `path` may also name one of the model files in it. Throws as load_model()
// and Vocab::load() do, and DataError if a vocabulary's size differs from the model's.
LoadedModel load_model_folder(const std::string& path);

// Creates the folder, removes models in it, and writes the vocabularies and options. Throws IoError.
void start_model_folder(const std::string& folder, const Vocab& source, const Vocab& target,
                        const std::string& options);

}  // namespace mininmt
