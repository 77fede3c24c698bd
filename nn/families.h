// The families of models there are: a row each. A family is its folder or file, its row, and its section of
// MODEL.md.
#pragma once

#include "nn/model.h"

namespace mininmt {

struct Family {
  std::string name;  // --type, and in model files
  std::vector<Field> fields;
  // Declares the parameters; nothing is allocated yet.
  std::unique_ptr<Model> (*make)(const Config& config);
};

const std::vector<Family>& families();

// Throws UsageError, with the names there are.
const Family& find_family(const std::string& name);

// The fields of all families, each name once.
std::vector<Field> all_fields();

// The fields of the config's type at their values in `config`, which may have others beside them.
Config narrowed(const Config& config);

// A model with all parameters zero. `config` may have fields that its family doesn't.
std::unique_ptr<Model> make_model(const Config& config);

}  // namespace mininmt
