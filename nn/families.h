// The table of model families. A family is a folder or file, a row here, and a section of MODEL.md.
#pragma once

#include "nn/model.h"

namespace mininmt {

struct Family {
  std::string name;  // --type, and in model files
  std::vector<Field> fields;
  // Declares the parameters; allocates nothing.
  std::unique_ptr<Model> (*make)(const Config& config);
  // Whether a word's cost comes from one softmax, so that label smoothing is defined.
  bool (*one_softmax)(const Config& config) = [](const Config&) { return true; };
  // Whether both sides have one vocabulary.
  bool (*shares_vocabulary)(const Config& config) = [](const Config&) { return false; };
};

const std::vector<Family>& families();

// Throws UsageError, listing the known names.
const Family& find_family(const std::string& name);

// The fields of all families, each name once, with the families that have it. A field of several families has
// the same default value in all of them; the help is the first's.
std::vector<Field> all_fields();

bool shares_vocabulary(const Config& config);

// Only the fields of the config's own type, with their values.
Config narrowed(const Config& config);

// A model with all parameters zero. `config` may have fields that its family lacks.
std::unique_ptr<Model> make_model(const Config& config);

}  // namespace mininmt
