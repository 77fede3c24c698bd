#include "apps/options/options.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

constexpr unsigned kColumns = 80;      // width of help
constexpr unsigned kNameColumns = 48;  // minimum width of explanations
constexpr char kNotGiven[] = "not given";
constexpr char kSwitches[] = R"(
Above "General", an option with neither a value nor a [default] is a switch:
--quiet is short for --quiet true, and --quiet false overrules a config file.
)";

// " takes 2 values, SOURCE TARGET; got 'a'"; empty if there are as many values as the option takes.
std::string wrong_count(const Option& option, const Values& values) {
  const std::size_t min = option.min_values, max = option.max_values;
  if (values.size() >= min && values.size() <= max) return "";
  Values given;
  for (const std::string& value : values) given.push_back(in_quotes(value));
  const std::string got = join("; got ", given.empty() ? "none" : join_list(given, " "));
  if (max == 0) return " takes no value" + got;
  return join(" takes ", min, max > min ? join(" to ", max) : "", max == 1 ? " value, " : " values, ",
              option.values_name.empty() ? "true or false" : option.values_name, got);
}

// An option's value for Boost. The parser accepts any number of values, so that a wrong number gets our own
// message; store() calls xparse, and notify() sets the field.
class OptionValue : public po::untyped_value {
 public:
  explicit OptionValue(const Option& option) : po::untyped_value(true), option_(option) {}

  std::string name() const override { return option_.values_name; }
  unsigned max_tokens() const override { return UINT_MAX; }
  void notify(const boost::any& stored) const override { boost::any_cast<std::function<void()>>(stored)(); }
  void xparse(boost::any& stored, const Values& given) const override {
    if (!stored.empty()) refuse(" is given twice");
    const Values& values = given.empty() ? option_.implicit : given;
    if (const std::string wrong = wrong_count(option_, values); !wrong.empty()) refuse(wrong);
    try {
      stored = option_.read(values);
    } catch (const UsageError& error) {
      refuse(join(": ", error.what()));
    }
  }

 private:
  // Throws a message that store() prefixes with the label: "--model" + `why`.
  [[noreturn]] static void refuse(const std::string& why) {
    po::error_with_option_name error("%original_token%%why%");
    error.set_substitute("why", why);
    throw error;
  }

  const Option& option_;
};

// A value as written in a config file: in double quotes if it would not read back as one value otherwise.
std::string config_word(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \t\r\v\f\"#") == std::string::npos) return value;
  return join(std::quoted(value));
}

bool is_option_like(const std::string& value) {
  return value.size() > 1 && value[0] == '-' && std::isalpha(static_cast<unsigned char>(value[1]));
}

// The words of a config line after "=": separated by blanks, in double quotes if they contain blanks; "#" at
// the start of a word begins a comment. `label` is for messages.
Values config_words(const std::string& text, const std::string& label) {
  std::istringstream in(text);
  Values words;
  while (!(in >> std::ws).eof() && in.peek() != '#') {
    std::string word;
    if (!(in >> std::quoted(word))) throw UsageError(label + ": a double quote is not closed");
    words.push_back(word);
  }
  return words;
}

// One line of a config file, "name = value value", without leading blanks.
po::option config_line(const std::string& line, const std::string& where) {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos) {
    throw UsageError(join(where, in_quotes(line), " is not of the form: name = value"));
  }
  const std::string left = line.substr(0, equals);
  const std::string name = left.substr(0, left.find_last_not_of(" \t") + 1);
  po::option setting(name, config_words(line.substr(equals + 1), where + name));
  setting.original_tokens = {where + name};
  return setting;
}

}  // namespace

void OptionSet::group(const std::string& title) {
  group_ = title;
  groups_.emplace_back(title, kColumns, kNameColumns);
}

Option& OptionSet::add_option(const Option& option, const std::string& help) {
  const std::string now = option.values_name.empty() ? "" : join_list(option.get(), " ");
  const std::string with_default = now.empty() ? help : join(help, " [", now, "]");
  options_.push_back(option);
  groups_.back().add_options()(option.name.c_str(), new OptionValue(options_.back()), with_default.c_str());
  return options_.back();
}

void OptionSet::add_general() {
  group("General");
  add("config", config_, kind::name(), "read options from this file, lines \"name = value\"")
      .command_line_only = true;
  add("help", help_, kind::request(), "the short help").command_line_only = true;
  add("help-all", help_all_, kind::request(), "this list").command_line_only = true;
  add("help-man", help_man_, kind::request(), "a manual page, for man -l -").command_line_only = true;
  add("help-bash", help_bash_, kind::request(), "completion of options in bash").command_line_only = true;
  add("version", version_, kind::request(), "print the version").command_line_only = true;
}

const Option* OptionSet::find(const std::string& name) const {
  const auto has_name = [&](const Option& option) { return option.name == name; };
  const auto found = std::find_if(options_.begin(), options_.end(), has_name);
  return found == options_.end() ? nullptr : &*found;
}

void OptionSet::apply(const Settings& settings) {
  const po::options_description known = described();
  po::parsed_options parsed(&known);
  parsed.options = settings;
  po::variables_map values;
  try {
    po::store(parsed, values);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  po::notify(values);
}

void OptionSet::exclusive(const std::vector<Settings>& sources, const std::string& first,
                          const std::string& second) {
  const Option &one = *find(first), &other = *find(second);
  for (auto source = sources.rbegin(); source != sources.rend(); ++source) {
    const po::option* given = one.active() ? find_setting(*source, first) : nullptr;
    const bool other_given = other.active() && find_setting(*source, second) != nullptr;
    if (given != nullptr && other_given) {
      throw UsageError(
          join(label(*given), " and ", dashes(*given), second, " exclude each other: leave one out"));
    }
    if (given != nullptr) other.switch_off();
    if (other_given) one.switch_off();
  }
}

const Option* OptionSet::missing_need(const Option& option) const {
  if (option.needs.empty()) return nullptr;
  const Option* const needed = find(option.needs);
  return needed->active() ? missing_need(*needed) : needed;
}

bool OptionSet::is_idle(const Option& option) const {
  return missing_need(option) != nullptr || (option.applies && !option.applies());
}

void OptionSet::check_needs(const Settings& settings) const {
  for (const po::option& setting : settings) {
    const Option& option = *find(setting.string_key);
    const Option* const missing = option.active() ? missing_need(option) : nullptr;
    if (missing == nullptr) continue;
    const std::string needed = dashes(setting) + missing->name;
    throw UsageError(join(label(setting), " does nothing without ", needed, ": add ", needed,
                          missing->values_name.empty() ? "" : " ", missing->values_name, ", or leave ",
                          dashes(setting), option.name, " out"));
  }
}

std::optional<Reply> OptionSet::read(const std::vector<std::string>& arguments, const std::string& help,
                                     const std::string& usage) {
  const Settings command_line = read_command_line(arguments);
  if (auto instead = reply(command_line, help, usage)) return instead;
  apply(read_config_named_in(command_line));
  apply(command_line);
  return std::nullopt;
}

void OptionSet::require(const std::string& name, const std::string& what) const {
  if (find(name)->active()) return;
  throw UsageError(join("--", name, " is missing: add --", name, " ", find(name)->values_name, ", ", what,
                        " (see ", program_, " --help)"));
}

std::string OptionSet::to_config() const {
  std::string text = join("# ", program_, " ", kVersion, "\n"), group;
  for (const Option& option : options_) {
    const Values values = option.get();
    if (option.command_line_only || values.empty() || is_idle(option)) continue;
    if (option.group != group) text += join("\n# ", option.group, "\n");
    group = option.group;
    text += option.name + " =";
    for (const std::string& value : values) text += " " + config_word(value);
    text += "\n";
  }
  return text;
}

std::set<std::string> OptionSet::idle_with(const Settings& defaults, const Settings& settings) {
  for (const Option& option : options_) option.switch_off();
  apply(defaults);
  apply(settings);
  std::set<std::string> names;
  for (const Option& option : options_)
    if (is_idle(option)) names.insert(option.name);
  return names;
}

std::vector<std::string> OptionSet::changed(const std::string& before, const std::string& now,
                                            const std::string& standard,
                                            const std::vector<std::string>& except) {
  const Settings old = read_config(before, "before"), given = read_config(now, "now"),
                 defaults = read_config(standard, "standard");
  const std::set<std::string> idle_before = idle_with(defaults, old), idle_now = idle_with(defaults, given);
  const auto text = [&](const Settings& settings, const std::string& name) {
    const po::option* setting = find_setting(settings, name);
    if (setting == nullptr) setting = find_setting(defaults, name);
    return setting == nullptr ? kNotGiven : join_list(setting->value, " ");
  };
  const auto differs = [&](const std::string& name) { return text(old, name) != text(given, name); };
  const auto may_change = [&](const std::string& name) {
    if (std::count(except.begin(), except.end(), name) == 0) return false;
    const bool is_needed = std::any_of(options_.begin(), options_.end(),
                                       [&](const Option& option) { return option.needs == name; });
    return !is_needed || (text(old, name) == kNotGiven) == (text(given, name) == kNotGiven);
  };
  std::vector<std::string> found;
  for (const Option& option : options_) {
    const bool follows = idle_before.contains(option.name) || idle_now.contains(option.name) ||
                         (!option.set_by.empty() && differs(option.set_by));
    if (follows || may_change(option.name) || !differs(option.name)) continue;
    found.push_back(
        join("--", option.name, " is ", text(given, option.name), ", was ", text(old, option.name)));
  }
  return found;
}

std::string OptionSet::did_you_mean(const std::string& name, const std::string& dashes) const {
  std::vector<std::string> known;
  for (const Option& option : options_)
    if (!dashes.empty() || !option.command_line_only) known.push_back(option.name);
  std::vector<std::string> near = suggestions(name, known);
  for (std::string& suggestion : near) suggestion = dashes + suggestion;
  if (near.empty()) return join("; ", program_, " --help-all lists the options");
  return join("; did you mean ", join_list(near, " or "), "?");
}

void OptionSet::refuse_stray(const std::string& argument) const {
  if (!is_option_like(argument)) {
    throw UsageError(join("unexpected argument ", in_quotes(argument),
                          ": every argument belongs to an option, see ", program_, " --help"));
  }
  const std::string name = argument.substr(1);
  throw UsageError(join("unexpected argument ", in_quotes(argument), ": options begin with two dashes",
                        did_you_mean(name, "--")));
}

Settings OptionSet::read_command_line(const std::vector<std::string>& arguments) const {
  constexpr int kStyle = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                         po::command_line_style::long_allow_next;
  const po::options_description known = described();
  Settings settings;
  try {
    std::vector<std::string> spelled = arguments;
    std::replace(spelled.begin(), spelled.end(), std::string("-h"), std::string("--help"));
    settings = po::command_line_parser(spelled).options(known).style(kStyle).run().options;
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name().substr(2);
    throw UsageError(join("unknown option ", in_quotes("--" + name), did_you_mean(name, "--")));
  } catch (const po::invalid_command_line_syntax& error) {
    throw UsageError(error.get_option_name() + "=: no value follows the equals sign: add one");
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  for (po::option& setting : settings) {
    if (setting.string_key.empty()) refuse_stray(setting.value.empty() ? "" : setting.value[0]);
    for (const std::string& value : setting.value) {
      if (is_option_like(value)) refuse_stray(value);
    }
    setting.original_tokens = {"--" + setting.string_key};  // without a value after "="
    if (const Option& option = *find(setting.string_key); option.max_values == 0 && !setting.value.empty())
      throw UsageError(label(setting) + wrong_count(option, setting.value));
  }
  return settings;
}

// Boost's own config reader has no line numbers and allows only one value per option.
Settings OptionSet::read_config(const std::string& text, const std::string& file,
                                const std::vector<std::string>& only) const {
  std::istringstream lines(text.substr(text.starts_with("\xEF\xBB\xBF") ? 3 : 0));
  Settings settings;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line[begin] == '#') continue;
    const std::string where = join(file, ":", number, ": ");
    const po::option setting = config_line(line.substr(begin), where);
    const std::string& name = setting.string_key;
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    const Option* option = find(name);
    if (option == nullptr)
      throw UsageError(join(where, "unknown option ", in_quotes(name), did_you_mean(name, "")));
    if (option->command_line_only) throw UsageError(join(where, name, " belongs on the command line"));
    settings.push_back(setting);
  }
  return settings;
}

Settings OptionSet::read_config_named_in(const Settings& command_line) {
  const po::option* named = find_setting(command_line, "config");
  if (named == nullptr) return {};
  apply({*named});
  return read_config(read_small_file(config_), config_);
}

std::optional<Reply> OptionSet::reply(const Settings& command_line, const std::string& help,
                                      const std::string& usage) const {
  if (command_line.empty()) return Reply{usage, 2};
  if (find_setting(command_line, "help") != nullptr) return Reply{fill_in(help)};
  if (find_setting(command_line, "help-all") != nullptr) return Reply{join(described(), kSwitches)};
  if (find_setting(command_line, "help-man") != nullptr) return Reply{manual_page(fill_in(help), usage)};
  if (find_setting(command_line, "help-bash") != nullptr) return Reply{bash_completion()};
  if (find_setting(command_line, "version") != nullptr) return Reply{join(program_, " ", kVersion, "\n")};
  return std::nullopt;
}

po::options_description OptionSet::described() const {
  po::options_description all(join("All options of ", program_, ", with [defaults]"), kColumns, kNameColumns);
  for (const po::options_description& group : groups_) all.add(group);
  return all;
}

std::string OptionSet::fill_in(std::string text) const {
  for (const Option& option : options_) {
    const std::string place = join("{", option.name, "}");
    const std::string value = join_list(option.get(), " ");
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place)) {
      text.replace(at, place.size(), value);
    }
  }
  return text;
}

const po::option* find_setting(const Settings& settings, const std::string& name) {
  const auto has_name = [&](const po::option& setting) { return setting.string_key == name; };
  const auto found = std::find_if(settings.begin(), settings.end(), has_name);
  return found == settings.end() ? nullptr : &*found;
}

const std::string& label(const po::option& setting) { return setting.original_tokens[0]; }

std::string dashes(const po::option& setting) { return label(setting).starts_with("--") ? "--" : ""; }

std::string label(const std::vector<Settings>& sources, const std::string& name) {
  for (auto source = sources.rbegin(); source != sources.rend(); ++source)
    if (const po::option* const setting = find_setting(*source, name)) return label(*setting);
  return "--" + name;
}

std::string read_small_file(const std::string& path) {
  constexpr std::size_t kLargestConfig = 1 << 20;
  std::ifstream in(path, std::ios::binary);
  std::string text(kLargestConfig + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) throw IoError(join("cannot read ", path, ": ", std::strerror(errno)));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestConfig) throw UsageError(path + " is larger than 1 MiB: this is no config file");
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
