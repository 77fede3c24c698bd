// The configuration of a model. Each family declares its fields once; the options of mininmt-train with help
// and ranges, config files and the metadata of model files follow from them.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace mininmt {

using FieldValue = std::variant<bool, int, double, std::string>;

// One field: the option --name, and a key in model files.
struct Field {
  std::string name;                  // without dashes
  FieldValue standard;               // the default value, which also sets the type
  double least = 0, most = 0;        // of a number
  std::vector<std::string> choices;  // of a text
  std::string help;
  bool saved = true;  // false: only for training, not in model files

  std::vector<std::string> types = {};  // the families that have it; empty: any (all_fields())

  // The field applies only if the field `needs` has one of these values; `needs` empty: always.
  std::string needs = {};
  std::vector<std::string> needs_one_of = {};

  // Throws UsageError unless `value` has the right type and is in range or among the choices.
  void check(const FieldValue& value) const;
};

// Sizes in the paper's notation, dropout probabilities, choices, and flags.
Field size_field(const std::string& name, int standard, const std::string& help);
Field layers_field();  // --layers of the encoder, and of the decoder; of several families, which must agree
Field dropout_field(const std::string& name, double standard, const std::string& help);
Field choice_field(const std::string& name, const std::vector<std::string>& choices, const std::string& help);
Field flag_field(const std::string& name, const std::string& help);

class Config {
 public:
  // Every field at its default.
  Config(std::string type, std::vector<Field> fields);

  std::string type;      // the name of a family
  int source_words = 0;  // V_x
  int target_words = 0;  // V_y

  const std::vector<Field>& fields() const { return fields_; }
  const FieldValue& value(const std::string& name) const;  // throws Error at an unknown name, as all below
  int integer(const std::string& name) const;
  double real_number(const std::string& name) const;
  bool flag(const std::string& name) const;
  const std::string& text(const std::string& name) const;

  // A field's value, to be set; the caller checks it.
  FieldValue& place(const std::string& name);
  // Throws UsageError if the field rejects the value.
  void set(const std::string& name, const FieldValue& value);

  // Whether the type of model has the field, and whether it applies, given the values of the others.
  bool has(const Field& field) const;
  bool applies(const Field& field) const;

  // Same type, sizes, and values of all saved fields.
  bool operator==(const Config& other) const;

 private:
  const Field& field(const std::string& name) const;

  std::vector<Field> fields_;
  std::map<std::string, FieldValue> values_;
};

}  // namespace mininmt
