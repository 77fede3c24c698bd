#include "tensor/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using Json = nlohmann::json;
static_assert(std::endian::native == std::endian::little,
              "the data is little-endian and written as it lies in memory");

constexpr std::uint64_t kMaxHeader = 100 << 20;
constexpr int kMaxDepth = 3;

// nlohmann's parser, but a key that stands twice and deep nesting are errors.
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
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& e) {
    throw DataError(path + ": the header is not JSON; is this a safetensors file? (" + e.what() + ")");
  }
}

struct Entry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;  // bytes in the data
};

Entry parse_entry(const std::string& name, const Json& json, const std::string& path) {
  if (json.at("dtype") != "F32") throw DataError(path + ": tensor " + name + " is not of type F32");
  const Json& offsets = json.at("data_offsets");
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    throw DataError(path + ": tensor " + name + " has not two data_offsets");
  Entry entry{name, json.at("shape").get<std::vector<std::int64_t>>(), offsets[0], offsets[1]};
  std::uint64_t bytes = sizeof(float);
  for (std::int64_t extent : entry.shape) {
    if (extent < 0 || (extent > 0 && bytes > (std::uint64_t{1} << 48) / static_cast<std::uint64_t>(extent)))
      throw DataError(path + ": tensor " + name + " has an impossible shape");
    bytes *= static_cast<std::uint64_t>(extent);
  }
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    throw DataError(path + ": the offsets of tensor " + name + " do not fit its shape");
  return entry;
}

// The entries in the order of their data, which they cover without a gap.
std::vector<Entry> parse_header(const Json& header, std::uint64_t data_bytes, const std::string& path,
                                std::map<std::string, std::string>& metadata) {
  std::vector<Entry> entries;
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
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      throw DataError(path + ": gap or overlap in the data before tensor " + entry.name);
    end = entry.end;
  }
  if (end != data_bytes)
    throw DataError(join(path, ": ", end, " bytes of data are announced but ", data_bytes,
                         " are there; was the file cut off?"));
  return entries;
}

}  // namespace

void write_safetensors(const std::string& path, const SafeTensors& contents) {
  Json header = Json::object();
  if (!contents.metadata.empty()) header["__metadata__"] = contents.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : contents.tensors) {
    const std::uint64_t end = offset + tensor.data.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of 8
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(text);
  for (const auto& [name, tensor] : contents.tensors)
    file.write({reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size() * sizeof(float)});
  file.commit();
}

SafeTensors read_safetensors(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path + " can't be opened: " + std::strerror(errno));
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError(path + " can't be read: " + error.message());
  std::uint64_t length = 0;
  if (size < sizeof length || !file.read(reinterpret_cast<char*>(&length), sizeof length) ||
      length > std::min(kMaxHeader, size - sizeof length))
    throw DataError(path +
                    ": not a safetensors file, or cut off: the length of its header does not fit the file");
  std::string text(length, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(length))) throw IoError(path + " can't be read");

  SafeTensors result;
  const Json header = parse_strictly(text, path);
  if (!header.is_object()) throw DataError(path + ": the header is not a JSON object");
  for (const Entry& entry : parse_header(header, size - sizeof length - length, path, result.metadata)) {
    SafeTensor& tensor = result.tensors[entry.name];
    tensor.shape = entry.shape;
    tensor.data.resize((entry.end - entry.begin) / sizeof(float));
    if (!file.read(reinterpret_cast<char*>(tensor.data.data()),
                   static_cast<std::streamsize>(entry.end - entry.begin)))
      throw IoError(path + " can't be read: tensor " + entry.name);
  }
  return result;
}

}  // namespace mininmt
