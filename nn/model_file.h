// Models on disk (MODEL.md 8): every matrix under its paper symbol in the paper's shape, with the sizes, the
// alignment model and the decoder order as JSON in the metadata.
#pragma once

#include <memory>

#include "nn/rnnsearch/rnnsearch.h"

namespace mininmt {

inline constexpr int kModelFormat = 1;
inline constexpr char kModelFile[] = "model.safetensors";

// Writes the options and `values`, a block in the layout of the model's parameters: its own, or an average of
// them. Throws IoError.
void save_model(const std::string& path, const RnnSearch& model, const Tensor& values);

// Reads a model. Throws IoError; DataError if the file is not a model of this format, or a matrix is missing,
// unknown, of another shape than the sizes say, or not finite.
std::unique_ptr<RnnSearch> load_model(const std::string& path);

}  // namespace mininmt
