#include "nn/model_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "nn/families.h"
#include "tensor/checksum.h"
#include "tensor/error.h"
#include "tensor/safetensors.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

using Json = nlohmann::json;
constexpr char kKey[] = "mininmt", kChecksum[] = "checksum";  // in the metadata
constexpr int kMostWords = 1 << 24;

std::string to_json(const Config& config) {
  Json json = {{"format", kModelFormat},
               {"version", kVersion},
               {"type", config.type},
               {"source-words", config.source_words},
               {"target-words", config.target_words}};
  for (const Field& field : config.fields())
    if (field.saved && config.applies(field))
      std::visit([&](const auto& value) { json[field.name] = value; }, config.value(field.name));
  return json.dump();
}

// Format 1 only had RNNsearch, and wrote dim_emb for dim-emb.
Json upgraded(const Json& old) {
  Json json = {{"type", "rnnsearch"}};
  for (const auto& [key, value] : old.items()) {
    std::string name = key == "alignment" ? "alignment-model" : key;
    std::replace(name.begin(), name.end(), '_', '-');
    if (name != "format") json[name] = value;
  }
  return json;
}

int integer(const Json& value, const std::string& key) {
  if (!value.is_number_integer() || value.get<std::int64_t>() != value.get<std::int32_t>())
    throw DataError(join("'", key, "' must be a whole number but is ", value.dump()));
  return value.get<std::int32_t>();
}

FieldValue field_value(const Json& value, const Field& field) {
  if (std::holds_alternative<int>(field.standard)) return integer(value, field.name);
  if (std::holds_alternative<double>(field.standard)) return value.get<double>();
  if (std::holds_alternative<bool>(field.standard)) return value.get<bool>();
  return value.get<std::string>();
}

int word_count(const Json& json, const std::string& key) {
  const int words = integer(json.at(key), key);
  if (words < 1 || words > kMostWords)
    throw DataError(join("'", key, "' is ", words, ", outside of 1 to ", kMostWords));
  return words;
}

// Fields missing in the file get their defaults: they were added after it was written.
Config from_json(const Json& metadata) {
  const int format = integer(metadata.at("format"), "format");
  if (format < 1 || format > kModelFormat)
    throw DataError(join("model format ", format, ", this program reads formats 1 to ", kModelFormat));
  const Json json = format == 1 ? upgraded(metadata) : metadata;
  const Family& family = find_family(json.at("type").get<std::string>());
  Config config(family.name, family.fields);
  config.source_words = word_count(json, "source-words");
  config.target_words = word_count(json, "target-words");
  for (const Field& field : config.fields())
    if (field.saved && json.contains(field.name))
      config.set(field.name, field_value(json[field.name], field));
  return config;
}

Config config_of(const std::map<std::string, std::string>& metadata, const std::string& path) {
  const auto found = metadata.find(kKey);
  if (found == metadata.end())
    throw DataError(path + ": not a mininmt model: the metadata '" + kKey + "' is missing");
  try {
    return from_json(Json::parse(found->second));
  } catch (const Json::exception& e) {
    throw DataError(path + ": the metadata '" + kKey + "' is damaged (" + e.what() + ")");
  } catch (const Error& e) {
    throw DataError(path + ": the metadata '" + kKey + "': " + e.what());
  }
}

// The model of this config, without values.
std::unique_ptr<Model> declared(const Config& config, const std::string& path) {
  try {
    return find_family(config.type).make(config);
  } catch (const UsageError& e) {
    throw DataError(path + ": the metadata '" + kKey + "': " + e.what());
  }
}

std::string text_of(const std::vector<std::int64_t>& shape) { return Json(shape).dump(); }

// The file must have exactly the matrices that the model declares, in their shapes.
void check_shapes(const Parameters& declared, const SafeTensors& file, const std::string& path) {
  std::size_t known = 0;
  for (const Parameter& p : declared.declared())
    for (const Part& part : p.parts) {
      const auto found = file.tensors.find(part.name);
      if (found == file.tensors.end()) throw DataError(path + ": " + part.name + " is missing");
      if (found->second.shape != p.shape_of(part))
        throw DataError(join(path, ": ", part.name, " has the shape ", text_of(found->second.shape),
                             ", by the sizes in the metadata it is ", text_of(p.shape_of(part))));
      ++known;
    }
  if (known == file.tensors.size()) return;
  for (const auto& tensor : file.tensors) {
    const std::string& name = tensor.first;
    const auto has = [&](const Parameter& p) {
      return std::any_of(p.parts.begin(), p.parts.end(), [&](const Part& part) { return part.name == name; });
    };
    if (std::none_of(declared.declared().begin(), declared.declared().end(), has))
      throw DataError(path + ": unknown parameter " + name);
  }
}

// Of a matrix after the others: matrices come by name.
void add_matrix(Checksum& sum, const std::string& name, std::span<const float> values) {
  sum.add(name);
  sum.add(values);
}

// Files that were written before there was one have none.
void check_sum(const SafeTensors& file, const std::string& path) {
  const auto expected = file.metadata.find(kChecksum);
  if (expected == file.metadata.end()) return;
  Checksum sum;
  for (const auto& [name, tensor] : file.tensors) add_matrix(sum, name, tensor.data);
  if (sum.text() != expected->second)
    throw DataError(join(path, ": its numbers are not those that were saved (the checksum is ", sum.text(),
                         ", in the metadata '", kChecksum, "' it is ", expected->second,
                         "): take another copy; whoever changed them on purpose leaves that entry out"));
}

}  // namespace

void save_model(const std::string& path, const Model& model, const Tensor& values,
                const std::map<std::string, std::string>& more) {
  const Tensor on_host = values.to(cpu_memory());
  std::map<std::string, Tensor> rows;  // of each part
  std::vector<SafeTensorEntry> entries;
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts) {
      rows[part.name] = Parameters::view(on_host, *p).slice(part.first, part.count);
      entries.push_back({part.name, p->shape_of(part)});
    }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto floats = [](const Tensor& x) { return std::vector<float>(x.data(), x.data() + x.size()); };
  Checksum sum;
  for (const auto& [name, value] : rows) add_matrix(sum, name, floats(value));
  std::map<std::string, std::string> metadata = more;
  metadata[kKey] = to_json(model.config());
  metadata[kChecksum] = sum.text();
  SafeTensorsWriter file(path, metadata, entries);
  for (const auto& [name, value] : rows) file.write(floats(value));
  file.commit();
}

Config read_model_config(const std::string& path) {
  return config_of(SafeTensorsReader(path).metadata(), path);
}

void check_numbers(const std::string& path) { check_sum(read_safetensors(path), path); }

std::unique_ptr<Model> load_model(const std::string& path) {
  const SafeTensors file = read_safetensors(path);
  const Config config = config_of(file.metadata, path);
  auto model = declared(config, path);
  check_shapes(model->parameters(), file, path);
  model->parameters().allocate();
  for (const Parameter* p : model->parameters().all())
    for (const Part& part : p->parts) {
      const std::vector<float>& data = file.tensors.at(part.name).data;
      if (!std::all_of(data.begin(), data.end(), [](float x) { return std::isfinite(x); }))
        throw DataError(path + ": " + part.name + " has a value that is not finite");
      std::copy(data.begin(), data.end(), p->value.slice(part.first, part.count).data());
    }
  check_sum(file, path);
  return model;
}

}  // namespace mininmt
