#include "nn/model_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tensor/error.h"
#include "tensor/safetensors.h"

namespace mininmt {
namespace {

using Json = nlohmann::json;
constexpr char kKey[] = "mininmt";  // of the metadata
constexpr int kMaxSize = 1 << 24;

std::string to_json(const ModelOptions& o) {
  return Json{{"format", kModelFormat},
              {"source_words", o.source_words},
              {"target_words", o.target_words},
              {"dim_emb", o.dim_emb},
              {"dim_rnn", o.dim_rnn},
              {"dim_align", o.dim_align},
              {"dim_maxout", o.dim_maxout},
              {"alignment", to_string(o.alignment)},
              {"decoder_order", to_string(o.decoder_order)}}
      .dump();
}

int size_of(const Json& json, const char* key, const std::string& path) {
  const std::int64_t size = json.at(key).get<std::int64_t>();
  if (size < 1 || size > kMaxSize)
    throw DataError(join(path, ": ", key, " is ", size, ", outside of 1 to ", kMaxSize));
  return static_cast<int>(size);
}

ModelOptions from_json(const std::string& text, const std::string& path) {
  try {
    const Json json = Json::parse(text);
    const int format = json.at("format").get<int>();
    if (format != kModelFormat)
      throw DataError(join(path, ": model format ", format, ", this program reads format ", kModelFormat));
    ModelOptions o;
    o.source_words = size_of(json, "source_words", path);
    o.target_words = size_of(json, "target_words", path);
    o.dim_emb = size_of(json, "dim_emb", path);
    o.dim_rnn = size_of(json, "dim_rnn", path);
    o.dim_align = size_of(json, "dim_align", path);
    o.dim_maxout = size_of(json, "dim_maxout", path);
    o.alignment = parse_alignment(json.at("alignment").get<std::string>());
    o.decoder_order = parse_decoder_order(json.at("decoder_order").get<std::string>());
    return o;
  } catch (const Json::exception& e) {
    throw DataError(path + ": the metadata '" + kKey + "' is damaged (" + e.what() + ")");
  } catch (const UsageError& e) {
    throw DataError(path + ": " + e.what());
  }
}

std::vector<std::int64_t> shape_of(const Parameter& p, const Part& part) {
  std::vector<std::int64_t> shape{part.count};
  if (p.shape.rank() == 2) shape.push_back(p.shape[1]);
  return shape;
}

// The parameters that a model with these options has, checked against the file before memory is taken for
// them.
void check_sizes(const ModelOptions& o, const SafeTensors& file, const std::string& path) {
  std::int64_t in_file = 0;
  for (const auto& [name, tensor] : file.tensors) in_file += static_cast<std::int64_t>(tensor.data.size());
  const std::int64_t m = o.dim_emb, n = o.dim_rnn, l = o.dim_maxout;
  const std::int64_t align = o.alignment == AlignmentKind::kAdditive ? o.dim_align : 0;
  const std::int64_t at_least =
      o.source_words * m + o.target_words * (m + l) + n * (6 * m + 6 * n + 2 * l + 3 * align);
  if (at_least > in_file)
    throw DataError(
        join(path, ": the sizes in its metadata need more parameters than the ", in_file, " in the file"));
}

}  // namespace

void save_model(const std::string& path, const RnnSearch& model, const Tensor& values) {
  SafeTensors file;
  file.metadata[kKey] = to_json(model.options());
  const Tensor on_host = values.to(cpu_memory());
  for (const Parameter* p : model.parameters().all()) {
    const Tensor value = Parameters::view(on_host, *p);
    for (const Part& part : p->parts) {
      const Tensor rows = value.slice(part.first, part.count);
      file.tensors[part.name] = {shape_of(*p, part), {rows.data(), rows.data() + rows.size()}};
    }
  }
  write_safetensors(path, file);
}

std::unique_ptr<RnnSearch> load_model(const std::string& path) {
  SafeTensors file = read_safetensors(path);
  const auto metadata = file.metadata.find(kKey);
  if (metadata == file.metadata.end())
    throw DataError(path + ": not a mininmt model: the metadata '" + kKey + "' is missing");
  const ModelOptions options = from_json(metadata->second, path);
  check_sizes(options, file, path);
  auto model = std::make_unique<RnnSearch>(options);
  for (const Parameter* p : model->parameters().all()) {
    for (const Part& part : p->parts) {
      const auto found = file.tensors.find(part.name);
      if (found == file.tensors.end()) throw DataError(path + ": " + part.name + " is missing");
      if (found->second.shape != shape_of(*p, part))
        throw DataError(path + ": " + part.name + " has another shape than the sizes in the metadata say");
      const std::vector<float>& data = found->second.data;
      if (!std::all_of(data.begin(), data.end(), [](float x) { return std::isfinite(x); }))
        throw DataError(path + ": " + part.name + " has a value that is not finite");
      std::copy(data.begin(), data.end(), p->value.slice(part.first, part.count).data());
      file.tensors.erase(found);
    }
  }
  if (!file.tensors.empty()) throw DataError(path + ": unknown parameter " + file.tensors.begin()->first);
  return model;
}

}  // namespace mininmt
