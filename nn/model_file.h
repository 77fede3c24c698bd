// Models on disk (MODEL.md 8): every matrix under its paper symbol in the paper's shape, with the config as
// JSON in the metadata.
#pragma once

#include "nn/model.h"

namespace mininmt {

inline constexpr int kModelFormat = 2;
inline constexpr char kModelFile[] = "model.safetensors";

// Writes the model's config and `values`, a block in the layout of its parameters: its own, or an average of
// them. Throws IoError.
void save_model(const std::string& path, const Model& model, const Tensor& values);

// Reads a model, also of format 1. Throws IoError; DataError if the file is not a model of a format and type
// that this program knows, or a matrix is missing, unknown, of another shape than the config says, or not
// finite.
std::unique_ptr<Model> load_model(const std::string& path);

}  // namespace mininmt
