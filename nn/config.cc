#include "nn/config.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr int kLargestSize = 65536;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

void check_range(const Field& field, double number) {
  if (!(number >= field.least && number <= field.most))
    throw UsageError(
        join(field.name, ": ", number, " is out of range: give ", field.least, " to ", field.most));
}

}  // namespace

void Field::check(const FieldValue& value) const {
  if (value.index() != standard.index()) throw UsageError(name + " has a value of another type");
  if (const int* number = std::get_if<int>(&value)) check_range(*this, *number);
  if (const double* number = std::get_if<double>(&value)) check_range(*this, *number);
  const std::string* const text = std::get_if<std::string>(&value);
  if (text && std::find(choices.begin(), choices.end(), *text) == choices.end())
    throw UsageError(join(name, ": '", *text, "' is unknown: ", listed(choices)));
}

Field size_field(const std::string& name, int standard, const std::string& help) {
  return {.name = name, .standard = standard, .least = 1, .most = kLargestSize, .choices = {}, .help = help};
}

Field layers_field() {
  Field field = size_field("layers", 4, "layers of the encoder, and of the decoder");
  field.most = 64;
  return field;
}

Field dropout_field(const std::string& name, double standard, const std::string& help) {
  return {.name = name,
          .standard = standard,
          .least = 0,
          .most = 0.99,
          .choices = {},
          .help = help,
          .saved = false};
}

Field choice_field(const std::string& name, const std::vector<std::string>& choices,
                   const std::string& help) {
  return {.name = name, .standard = choices[0], .choices = choices, .help = help};
}

Field flag_field(const std::string& name, const std::string& help) {
  return {.name = name, .standard = false, .choices = {}, .help = help};
}

Config::Config(std::string type, std::vector<Field> fields)
    : type(std::move(type)), fields_(std::move(fields)) {
  for (const Field& field : fields_) values_[field.name] = field.standard;
}

const Field& Config::field(const std::string& name) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  if (found == fields_.end()) throw Error("[Config] a model of type " + type + " has no field " + name);
  return *found;
}

const FieldValue& Config::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw Error("[Config] a model of type " + type + " has no field " + name);
  return found->second;
}

FieldValue& Config::place(const std::string& name) { return values_.at(field(name).name); }

int Config::integer(const std::string& name) const { return std::get<int>(value(name)); }
double Config::real_number(const std::string& name) const { return std::get<double>(value(name)); }
bool Config::flag(const std::string& name) const { return std::get<bool>(value(name)); }
const std::string& Config::text(const std::string& name) const { return std::get<std::string>(value(name)); }

void Config::set(const std::string& name, const FieldValue& value) {
  field(name).check(value);
  values_[name] = value;
}

bool Config::has(const Field& field) const {
  return field.types.empty() || std::find(field.types.begin(), field.types.end(), type) != field.types.end();
}

bool Config::applies(const Field& field) const {
  if (!has(field)) return false;
  if (field.needs.empty()) return true;
  const std::string& other = text(field.needs);
  return std::find(field.needs_one_of.begin(), field.needs_one_of.end(), other) != field.needs_one_of.end();
}

bool Config::operator==(const Config& other) const {
  if (type != other.type || source_words != other.source_words || target_words != other.target_words)
    return false;
  return std::all_of(fields_.begin(), fields_.end(), [&](const Field& field) {
    return !field.saved || !applies(field) || value(field.name) == other.value(field.name);
  });
}

}  // namespace mininmt
