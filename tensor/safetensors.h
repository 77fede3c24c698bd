// The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of the JSON
// header (little-endian), the header, the data.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tensor/atomic_file.h"

namespace mininmt {

struct SafeTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> data;
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, SafeTensor> tensors;
};

// A float32 tensor in a file.
struct SafeTensorEntry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  // in bytes from the start of the data

  std::uint64_t elements() const;
};

// Writes tensors one after another, so that they need not be in memory at once. Atomic: until commit() an old
// file stays. Members throw IoError.
class SafeTensorsWriter {
 public:
  // Writes the header; the offsets of `entries` don't matter. Throws DataError where a string is not UTF-8.
  SafeTensorsWriter(const std::string& path, const std::map<std::string, std::string>& metadata,
                    std::vector<SafeTensorEntry> entries);

  // The data, in the order of the entries, cut anywhere.
  void write(std::span<const float> data);

  // Throws Error where data is missing or too much.
  void commit();

 private:
  AtomicFile file_;
  std::uint64_t missing_ = 0;  // elements
};

// Reads the header of a file when it is made, and tensors when they are asked for. The header is checked
// before memory is taken: whole numbers as sizes, which fit the file's, offsets without gap or overlap, no
// key twice. Members throw IoError if the file cannot be read, DataError naming it if it is not such a file,
// is cut off, or holds other types.
class SafeTensorsReader {
 public:
  explicit SafeTensorsReader(const std::string& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<SafeTensorEntry>& entries() const { return entries_; }  // in the order of their data

  // Elements of a tensor from number `first` on.
  void read(const SafeTensorEntry& entry, std::uint64_t first, std::span<float> into);

 private:
  std::string path_;
  std::ifstream file_;
  std::uint64_t data_ = 0;  // where it begins in the file
  std::map<std::string, std::string> metadata_;
  std::vector<SafeTensorEntry> entries_;
};

// All of a file at once, by the classes above.
void write_safetensors(const std::string& path, const SafeTensors& contents);
SafeTensors read_safetensors(const std::string& path);

}  // namespace mininmt
