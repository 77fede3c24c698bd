#include "nn/families.h"

#include <algorithm>

#include "nn/lstm/lstm.h"
#include "nn/rnnsearch/rnnsearch.h"
#include "nn/transformer/transformer.h"
#include "tensor/error.h"

namespace mininmt {

const std::vector<Family>& families() {
  static const std::vector<Family> all = {rnnsearch_family(), lstm_family(), transformer_family()};
  return all;
}

const Family& find_family(const std::string& name) {
  std::string names;
  for (const Family& family : families()) {
    if (family.name == name) return family;
    names += (names.empty() ? "" : ", ") + family.name;
  }
  throw UsageError("model type '" + name + "' is unknown: " + names);
}

std::vector<Field> all_fields() {
  std::vector<Field> all;
  for (const Family& family : families())
    for (const Field& field : family.fields) {
      auto known =
          std::find_if(all.begin(), all.end(), [&](const Field& other) { return other.name == field.name; });
      if (known == all.end()) known = all.insert(all.end(), field);
      if (known->least != field.least || known->most != field.most)
        throw Error(join("[all_fields] families give --", field.name, " different ranges"));
      known->types.push_back(family.name);
    }
  return all;
}

bool shares_vocabulary(const Config& config) { return find_family(config.type).shares_vocabulary(config); }

Config narrowed(const Config& config) {
  Config result(config.type, find_family(config.type).fields);
  result.source_words = config.source_words;
  result.target_words = config.target_words;
  for (const Field& field : result.fields()) result.set(field.name, config.value(field.name));
  return result;
}

std::unique_ptr<Model> make_model(const Config& config) {
  auto model = find_family(config.type).make(narrowed(config));
  model->parameters().allocate();
  return model;
}

}  // namespace mininmt
