// Models on disk (MODEL.md 8): every matrix under its symbol and in its shape in the paper, with the config
// as JSON in the metadata.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nn/model.h"

namespace mininmt {

inline constexpr int kModelFormat = 2;
inline constexpr char kModelFile[] = "model.safetensors";

// Writes the model's config, `values`, a block in the layout of its parameters, and their checksum; `more` is
// further metadata. Throws IoError.
void save_model(const std::string& path, const Model& model, const Tensor& values,
                const std::map<std::string, std::string>& more = {});

// The config of a model file, without its matrices. Throws as load_model().
Config read_model_config(const std::string& path);

// Compares the numbers of a model file with its checksum, if it has one. Throws as load_model().
void check_numbers(const std::string& path);

// Reads a model of format 1 or 2. Throws IoError; DataError if the file is not a model of a known format and
// type, a matrix is missing, unknown, of the wrong shape, or not finite, or the checksum is wrong.
std::unique_ptr<Model> load_model(const std::string& path);

}  // namespace mininmt
