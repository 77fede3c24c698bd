#include "tensor/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

using Json = nlohmann::json;
static_assert(std::endian::native == std::endian::little,
              "the data is little-endian and written as it lies in memory");

constexpr std::uint64_t kMaxHeader = 100 << 20;
constexpr int kMaxDepth = 3;

// nlohmann's parser, but duplicate keys and deep nesting are errors.
Json parse_strictly(const std::string& text, const std::string& path) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth)
      throw DataError(path + ": the header is nested too deeply; is this a safetensors file?");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw DataError(path + ": the header has the key '" + parsed.get<std::string>() + "' twice");
    return true;
  };
  if (!text.starts_with('{'))  // the parser skips white space and a byte order mark
    throw DataError(path + ": the header is not a JSON object; is this a safetensors file?");
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& e) {
    throw DataError(path + ": the header is not JSON; is this a safetensors file? (" + e.what() + ")");
  }
}

// nlohmann's get<> would turn 2.7 into 2, true into 1, and 1e300 into garbage.
bool all_unsigned(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(),
                                        [](const Json& number) { return number.is_number_unsigned(); });
}

// The size in bytes of a tensor of that shape; none at 2^48 or more.
std::optional<std::uint64_t> bytes_of(const std::vector<std::uint64_t>& shape) {
  std::uint64_t most = (std::uint64_t{1} << 48) / sizeof(float), elements = 1;
  for (const std::uint64_t extent : shape) {
    if (extent > most) return {};
    most /= std::max<std::uint64_t>(extent, 1);
    elements *= extent;
  }
  return elements * sizeof(float);
}

SafeTensorEntry parse_entry(const std::string& name, const Json& json, const std::string& path) {
  const auto refuse = [&](const char* what) -> DataError {
    return DataError(path + ": tensor " + name + what);
  };
  const Json &dtype = json.at("dtype"), &shape = json.at("shape"), &offsets = json.at("data_offsets");
  if (dtype != "F32") throw refuse(" is not of type F32");
  if (!all_unsigned(shape)) throw refuse(" has a shape that is not a list of whole numbers");
  if (!all_unsigned(offsets) || offsets.size() != 2) throw refuse(" has not two data_offsets");
  const auto extents = shape.get<std::vector<std::uint64_t>>();
  const auto bytes = bytes_of(extents);
  if (!bytes) throw refuse(" has an impossible shape");
  const std::uint64_t begin = offsets[0], end = offsets[1];
  if (end < begin || end - begin != *bytes) throw refuse(": its offsets do not fit its shape");
  return {name, {extents.begin(), extents.end()}, begin};
}

// The entries in the order of their data, which they must cover without gaps.
std::vector<SafeTensorEntry> parse_header(const Json& header, std::uint64_t data_bytes,
                                          const std::string& path,
                                          std::map<std::string, std::string>& metadata) {
  std::vector<SafeTensorEntry> entries;
  try {
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__")
        metadata = value.get<std::map<std::string, std::string>>();
      else
        entries.push_back(parse_entry(name, value, path));
    }
  } catch (const Json::exception& e) {
    throw DataError(path + ": the header is not that of a safetensors file (" + e.what() + ")");
  }
  // Several entries may begin at the same place, if all but the last are empty.
  std::sort(entries.begin(), entries.end(), [](const SafeTensorEntry& a, const SafeTensorEntry& b) {
    return std::pair(a.offset, a.elements()) < std::pair(b.offset, b.elements());
  });
  std::uint64_t end = 0;
  for (const SafeTensorEntry& entry : entries) {
    if (entry.offset != end)
      throw DataError(path + ": gap or overlap in the data before tensor " + entry.name);
    end = entry.offset + entry.elements() * sizeof(float);
  }
  if (end != data_bytes)
    throw DataError(join(path, ": ", end, " bytes of data are announced but ", data_bytes,
                         " are there; was the file cut off?"));
  return entries;
}

}  // namespace

std::uint64_t SafeTensorEntry::elements() const {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= static_cast<std::uint64_t>(extent);
  return elements;
}

SafeTensorsWriter::SafeTensorsWriter(const std::string& path,
                                     const std::map<std::string, std::string>& metadata,
                                     std::vector<SafeTensorEntry> entries)
    : file_(path) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const SafeTensorEntry& entry : entries) {
    const std::uint64_t begin = missing_ * sizeof(float);
    missing_ += entry.elements();
    header[entry.name] = {
        {"dtype", "F32"}, {"shape", entry.shape}, {"data_offsets", {begin, missing_ * sizeof(float)}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& e) {
    throw DataError(path + " can't be written: a name or its metadata is not UTF-8 (" + e.what() + ")");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of 8
  const std::uint64_t length = text.size();
  file_.write({reinterpret_cast<const char*>(&length), sizeof length});
  file_.write(text);
}

void SafeTensorsWriter::write(std::span<const float> data) {
  if (data.size() > missing_) throw Error("[SafeTensorsWriter] more data than the header announces");
  missing_ -= data.size();
  file_.write({reinterpret_cast<const char*>(data.data()), data.size_bytes()});
}

void SafeTensorsWriter::commit() {
  if (missing_ > 0) throw Error("[SafeTensorsWriter] less data than the header announces");
  file_.commit();
}

SafeTensorsReader::SafeTensorsReader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
  if (!file_) throw IoError(path + " can't be opened: " + std::strerror(errno));
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError(path + " can't be read: " + error.message());
  std::uint64_t length = 0;
  if (size < sizeof length || !file_.read(reinterpret_cast<char*>(&length), sizeof length) ||
      length > std::min(kMaxHeader, size - sizeof length))
    throw DataError(path +
                    ": not a safetensors file, or cut off: the length of its header does not fit the file");
  std::string text(length, '\0');
  if (!file_.read(text.data(), static_cast<std::streamsize>(length))) throw IoError(path + " can't be read");
  data_ = sizeof length + length;
  entries_ = parse_header(parse_strictly(text, path), size - data_, path, metadata_);
}

void SafeTensorsReader::read(const SafeTensorEntry& entry, std::uint64_t first, std::span<float> into) {
  file_.seekg(static_cast<std::streamoff>(data_ + entry.offset + first * sizeof(float)));
  if (!file_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size_bytes())))
    throw IoError(path_ + " can't be read: tensor " + entry.name);
}

void write_safetensors(const std::string& path, const SafeTensors& contents) {
  std::vector<SafeTensorEntry> entries;
  for (const auto& [name, tensor] : contents.tensors) entries.push_back({name, tensor.shape});
  SafeTensorsWriter writer(path, contents.metadata, std::move(entries));
  for (const auto& [name, tensor] : contents.tensors) writer.write(tensor.data);
  writer.commit();
}

SafeTensors read_safetensors(const std::string& path) {
  SafeTensorsReader reader(path);
  SafeTensors result{reader.metadata(), {}};
  for (const SafeTensorEntry& entry : reader.entries()) {
    SafeTensor& tensor = result.tensors[entry.name];
    tensor.shape = entry.shape;
    tensor.data.resize(entry.elements());
    reader.read(entry, 0, tensor.data);
  }
  return result;
}

}  // namespace mininmt
