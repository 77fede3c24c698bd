// RNNsearch, fused and plain (nn/plain.h), with the same parameters.
#pragma once

#include <map>

#include "tests/models/random_model.h"

namespace mininmt {

inline Config plain(Config config) {
  config.set("plain", true);
  return config;
}

// The parts of a block by their names in model files.
inline std::map<std::string, Tensor> parts_of(const Model& model, const Tensor& block) {
  std::map<std::string, Tensor> parts;
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts)
      parts[part.name] = Parameters::view(block, *p).slice(part.first, part.count);
  return parts;
}

inline std::map<std::string, Tensor> parts_of(const Model& model) {
  return parts_of(model, model.parameters().values());
}

inline void copy_parameters(const Model& from, const Model& to) {
  const auto source = parts_of(from);
  for (const auto& [name, values] : parts_of(to)) values.set(source.at(name));
}

struct Twins {
  explicit Twins(const Config& config, double deviation = 0.7)
      : fused(random_model(config, 1, deviation)), plain(make_model(mininmt::plain(config))) {
    copy_parameters(*fused, *plain);
  }

  std::unique_ptr<Model> fused, plain;
};

}  // namespace mininmt
