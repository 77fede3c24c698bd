// The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of the JSON
// header (little-endian), the header, the data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mininmt {

struct SafeTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, SafeTensor> tensors;
};

// Writes float32 tensors atomically. Throws IoError, or DataError if a string is not UTF-8.
void write_safetensors(const std::string& path, const SafeTensors& contents);

// Reads a file of float32 tensors. The header is validated before allocating: integer sizes that match the
// file's size, offsets without gap or overlap, no duplicate keys. Throws IoError if it cannot be read,
// DataError naming the file if it is not safetensors, is truncated, or holds other types.
SafeTensors read_safetensors(const std::string& path);

}  // namespace mininmt
