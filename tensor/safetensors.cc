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

#include "tensor/atomic_file.h"
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

struct Entry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;  // byte range in the data
};

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

Entry parse_entry(const std::string& name, const Json& json, const std::string& path) {
  const auto refuse = [&](const char* what) -> DataError {
    return DataError(path + ": tensor " + name + what);
  };
  const Json &dtype = json.at("dtype"), &shape = json.at("shape"), &offsets = json.at("data_offsets");
  if (dtype != "F32") throw refuse(" is not of type F32");
  if (!all_unsigned(shape)) throw refuse(" has a shape that is not a list of whole numbers");
  if (!all_unsigned(offsets) || offsets.size() != 2) throw refuse(" has not two data_offsets");
  const auto extents = shape.get<std::vector<std::uint64_t>>();
  const Entry entry{name, {extents.begin(), extents.end()}, offsets[0], offsets[1]};
  const auto bytes = bytes_of(extents);
  if (!bytes) throw refuse(" has an impossible shape");
  if (entry.end < entry.begin || entry.end - entry.begin != *bytes)
    throw refuse(": its offsets do not fit its shape");
  return entry;
}

// The entries in the order of their data, which they must cover without gaps.
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
  // Several entries may begin at the same place, if all but the last are empty.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
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
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& e) {
    throw DataError(path + " can't be written: a name or its metadata is not UTF-8 (" + e.what() + ")");
  }
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
