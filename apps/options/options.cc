#include "apps/options/options.h"

#include <filesystem>
#include <iomanip>
#include <set>
#include <sstream>

#include "apps/program/version.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

const std::vector<std::string> kTrueFalse = {"true", "false"};

// A value as it stands in a config file: in double quotes if it would not read back as one value without.
std::string config_word(const std::string& value) {
  std::ostringstream out;
  if (value.empty() || value.find_first_of(" \t\r\"#") != std::string::npos) {
    out << std::quoted(value);
  } else {
    out << value;
  }
  return out.str();
}

void check_name(const std::string& value) {
  if (value.empty()) throw UsageError("an empty name was given; is a shell variable unset?");
  if (value.find('\n') != std::string::npos) throw UsageError("names with a line break are not supported");
}

}  // namespace

void OptionSet::group(const std::string& title) { groups_.push_back({title, {}}); }

Option& OptionSet::add_option(Option option) {
  return groups_.back().options.emplace_back(std::move(option));
}

Option& OptionSet::add(const std::string& name, bool& field, const std::string& help) {
  Option option{.name = name, .help = help, .min_values = 0, .max_values = 0, .implicit = {"true"}};
  option.set = [&field](const Values& values) { field = parse_choice(values[0], kTrueFalse) == "true"; };
  option.get = [&field] { return Values{field ? "true" : "false"}; };
  option.off = {"false"};
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, int& field, Range<int> range, const std::string& values_name,
                       const std::string& help) {
  Option option{.name = name, .values_name = values_name, .help = help};
  option.set = [&field, range](const Values& values) { field = parse_integer(values[0], range); };
  option.get = [&field] { return Values{std::to_string(field)}; };
  option.off = {"0"};
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, double& field, Range<double> range,
                       const std::string& values_name, const std::string& help) {
  Option option{.name = name, .values_name = values_name, .help = help};
  option.set = [&field, range](const Values& values) { field = parse_real(values[0], range); };
  option.get = [&field] { return Values{format_real(field)}; };
  option.off = {"0"};
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, std::string& field, const std::string& values_name,
                       const std::string& help) {
  Option option{.name = name, .values_name = values_name, .help = help};
  option.set = [&field](const Values& values) {
    for (const std::string& value : values) check_name(value);
    field = values.empty() ? "" : values[0];
  };
  option.get = [&field] { return field.empty() ? Values{} : Values{field}; };
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, Budget& field, const std::string& help) {
  Option option{.name = name, .values_name = "LENGTH", .help = help};
  option.set = [&field](const Values& values) { field = parse_budget(values[0]); };
  option.get = [&field] { return Values{format_budget(field)}; };
  option.off = {"0"};
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, std::vector<std::string>& field, int count,
                       const std::string& values_name, const std::string& help) {
  Option option{
      .name = name, .values_name = values_name, .help = help, .min_values = count, .max_values = count};
  option.set = [&field](const Values& values) {
    for (const std::string& value : values) check_name(value);
    field = values;
  };
  option.get = [&field] { return field; };
  return add_option(std::move(option));
}

Option& OptionSet::add(const std::string& name, std::vector<int>& field, int count, Range<int> range,
                       const std::string& values_name, const std::string& help) {
  Option option{
      .name = name, .values_name = values_name, .help = help, .min_values = count, .max_values = count};
  option.set = [&field, range](const Values& values) {
    field.clear();
    for (const std::string& value : values) field.push_back(parse_integer(value, range));
  };
  option.get = [&field] {
    Values values;
    for (const int number : field) values.push_back(std::to_string(number));
    return values;
  };
  return add_option(std::move(option));
}

Option& OptionSet::add_choice(const std::string& name, std::string& field,
                              const std::vector<std::string>& choices, const std::string& help) {
  Option& option = add(name, field, join_list(choices, "|"), help);
  option.set = [&field, choices](const Values& values) { field = parse_choice(values[0], choices); };
  return option;
}

Option& OptionSet::add_choices(const std::string& name, std::vector<std::string>& field,
                               const std::vector<std::string>& choices, const std::string& help) {
  Option& option = add(name, field, 1, "NAME ...", help);
  option.max_values = static_cast<int>(choices.size());
  option.set = [&field, choices](const Values& values) {
    for (const std::string& value : values) parse_choice(value, choices);
    if (std::set<std::string>(values.begin(), values.end()).size() != values.size()) {
      throw UsageError("names the same value twice");
    }
    field = values;
  };
  return option;
}

void OptionSet::add_general() {
  group("General");
  add("config", config_, "FILE", "read options from this file, lines \"name = value\"").command_line_only =
      true;
  add("help", help_, "the short help").command_line_only = true;
  add("help-all", help_all_, "this list").command_line_only = true;
  add("version", version_, "print the version").command_line_only = true;
}

const Option* OptionSet::find(const std::string& name) const {
  for (const Group& group : groups_) {
    for (const Option& option : group.options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

std::vector<std::string> OptionSet::names(bool for_files) const {
  std::vector<std::string> names;
  for (const Group& group : groups_) {
    for (const Option& option : group.options) {
      if (!for_files || !option.command_line_only) names.push_back(option.name);
    }
  }
  return names;
}

void OptionSet::require_count(const Option& option, const Setting& setting) {
  const int count = static_cast<int>(setting.values.size());
  if (count == 0 && !option.implicit.empty()) return;
  if (count >= option.min_values && count <= option.max_values) return;
  // In a config file a flag has a value, true or false.
  if (option.max_values == 0 && count == 1) return;
  if (option.max_values == 0) throw UsageError(setting.label + " takes no values");
  Values given;
  for (const std::string& value : setting.values) given.push_back(in_quotes(value));
  throw UsageError(join(setting.label, " takes ", option.min_values,
                        option.max_values > option.min_values ? join(" to ", option.max_values) : "",
                        option.max_values == 1 ? " value, " : " values, ", option.values_name, "; got ",
                        given.empty() ? "none" : join_list(given, " ")));
}

void OptionSet::apply(const std::vector<Setting>& settings, Source source) {
  for (const Setting& setting : settings) {
    Option& option = *find(setting.name);
    if (option.source > source) continue;
    require_count(option, setting);
    try {
      option.set(setting.values.empty() ? option.implicit : setting.values);
    } catch (const UsageError& error) {
      throw UsageError(join(setting.label, ": ", error.what()));
    }
    option.source = source;
  }
}

bool OptionSet::active(const std::string& name) const {
  const Option& option = *find(name);
  return option.get() != option.off;
}

void OptionSet::require(const std::string& name, const std::string& what) const {
  if (active(name)) return;
  throw UsageError(join("--", name, " is missing: add --", name, " ", find(name)->values_name, ", ", what,
                        " (see ", program_, " --help)"));
}

void OptionSet::exclusive(const std::string& first, const std::string& second) {
  if (!active(first) || !active(second)) return;
  Option& one = *find(first);
  Option& other = *find(second);
  if (one.source == other.source) {
    throw UsageError(join("--", first, " and --", second, " exclude each other: leave one out"));
  }
  Option& weaker = one.source < other.source ? one : other;
  weaker.set(weaker.off);
}

void OptionSet::check_needs() const {
  for (const Group& group : groups_) {
    for (const Option& option : group.options) {
      const bool given = option.source >= Source::kFile && option.get() != option.off;
      if (!given || option.needs.empty() || active(option.needs)) continue;
      throw UsageError(join("--", option.name, " does nothing without --", option.needs, ": add --",
                            option.needs, " ", find(option.needs)->values_name, ", or leave --", option.name,
                            " out"));
    }
  }
}

std::string OptionSet::to_config() const {
  std::string text = join("# ", program_, " ", kVersion, "\n");
  for (const Group& group : groups_) {
    std::string lines;
    for (const Option& option : group.options) {
      const Values values = option.get();
      const bool idle = !option.needs.empty() && !active(option.needs);
      if (option.command_line_only || values.empty() || idle) continue;
      lines += option.name + " =";
      for (const std::string& value : values) lines += " " + config_word(value);
      lines += "\n";
    }
    if (!lines.empty()) text += join("\n# ", group.title, "\n", lines);
  }
  return text;
}

bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(a, error) && fs::exists(b, error))
    return fs::is_regular_file(a, error) && fs::equivalent(a, b, error);
  return !a.empty() && a != "-" && fs::path(a).lexically_normal() == fs::path(b).lexically_normal();
}

}  // namespace mininmt
