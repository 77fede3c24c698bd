// A model's folder (MODEL.md 8): model.safetensors, source.vocab, target.vocab and the options it was trained
// with.
#pragma once

#include <memory>
#include <string>

#include "apps/text/vocab.h"
#include "nn/model_file.h"

namespace mininmt {

inline constexpr char kSourceVocab[] = "source.vocab";
inline constexpr char kTargetVocab[] = "target.vocab";
inline constexpr char kLastModel[] =
    "last.safetensors";  // beside the best one, the model as training left it

struct LoadedModel {
  std::unique_ptr<Model> model;
  Vocab source, target;
};

// Reads a model from its folder; `path` may also name one of the model files in it. Throws as load_model()
// and Vocab::load() do, and DataError if a vocabulary has not the size that the model says.
LoadedModel load_model_folder(const std::string& path);

// Makes the folder, removes models that are in it, and writes what stays the same throughout training. Throws
// IoError.
void start_model_folder(const std::string& folder, const Vocab& source, const Vocab& target,
                        const std::string& options);

}  // namespace mininmt
