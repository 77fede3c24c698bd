// The text side of OptionSet: command line, config file, help.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "apps/options/options.h"
#include "apps/program/version.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

namespace po = boost::program_options;

constexpr std::size_t kLargestConfig = 1 << 20;
constexpr unsigned kColumns = 80;      // of help
constexpr unsigned kNameColumns = 48;  // of those, what remains for an explanation at least

bool is_option_like(const std::string& value) {
  return value.size() > 1 && value[0] == '-' && std::isalpha(static_cast<unsigned char>(value[1]));
}

// The parser's picture of the options: every option takes any number of values here, so that a wrong number
// gets a message of our own.
po::options_description boost_group(const std::string& title, const std::deque<Option>& options) {
  po::options_description group(title, kColumns, kNameColumns);
  for (const Option& option : options) {
    auto* value = po::value<Values>()->zero_tokens();
    if (option.max_values > 0) value->multitoken()->value_name(option.values_name);
    const std::string now = option.max_values > 0 ? join_list(option.get(), " ") : "";
    const std::string help = now.empty() ? option.help : join(option.help, " [", now, "]");
    group.add_options()(option.name.c_str(), value, help.c_str());
  }
  return group;
}

// The words of a config line after "=": separated by blanks, in double quotes if they hold blanks; "#" at the
// start of a word begins a comment. `label` is for messages.
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

// One line of a config file, "name = value value", which begins with no blank.
Setting config_line(const std::string& line, const std::string& where) {
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos) {
    throw UsageError(join(where, in_quotes(line), " is not of the form: name = value"));
  }
  const std::string left = line.substr(0, equals);
  const std::string name = left.substr(0, left.find_last_not_of(" \t") + 1);
  return {name, config_words(line.substr(equals + 1), where + name), where + name};
}

}  // namespace

std::string OptionSet::did_you_mean(const std::string& name, const std::string& dashes) const {
  std::vector<std::string> near = suggestions(name, names(dashes.empty()));
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

std::vector<Setting> OptionSet::read_command_line(const std::vector<std::string>& arguments) const {
  constexpr int kStyle = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                         po::command_line_style::long_allow_next;
  po::options_description known;
  for (const Group& group : groups_) known.add(boost_group(group.title, group.options));
  std::vector<po::option> found;
  try {
    std::vector<std::string> spelled = arguments;
    std::replace(spelled.begin(), spelled.end(), std::string("-h"), std::string("--help"));
    found = po::command_line_parser(spelled).options(known).style(kStyle).run().options;
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name().substr(2);
    throw UsageError(join("unknown option ", in_quotes("--" + name), did_you_mean(name, "--")));
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  std::vector<Setting> settings;
  for (const po::option& option : found) {
    if (option.string_key.empty()) refuse_stray(option.value.empty() ? "" : option.value[0]);
    for (const std::string& value : option.value) {
      if (is_option_like(value)) refuse_stray(value);
    }
    const std::string label = "--" + option.string_key;
    if (find_setting(settings, option.string_key) != nullptr) throw UsageError(label + " is given twice");
    settings.push_back({option.string_key, option.value, label});
  }
  return settings;
}

std::vector<Setting> OptionSet::read_config(const std::string& text, const std::string& file,
                                            const std::vector<std::string>& only) const {
  std::istringstream lines(text.substr(text.starts_with("\xEF\xBB\xBF") ? 3 : 0));
  std::vector<Setting> settings;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line[begin] == '#') continue;
    const std::string where = join(file, ":", number, ": ");
    const Setting setting = config_line(line.substr(begin), where);
    if (!only.empty() && std::find(only.begin(), only.end(), setting.name) == only.end()) continue;
    check_config_name(setting.name, where);
    if (find_setting(settings, setting.name) != nullptr) throw UsageError(setting.label + " is given twice");
    settings.push_back(setting);
  }
  return settings;
}

void OptionSet::check_config_name(const std::string& name, const std::string& where) const {
  const Option* option = find(name);
  if (option == nullptr)
    throw UsageError(join(where, "unknown option ", in_quotes(name), did_you_mean(name, "")));
  if (option->command_line_only) throw UsageError(join(where, name, " belongs on the command line"));
}

std::vector<Setting> OptionSet::read_config_named_in(const std::vector<Setting>& command_line) const {
  const Values* config = find_setting(command_line, "config");
  if (config == nullptr) return {};
  require_count(*find("config"), {"config", *config, "--config"});
  return read_config(read_small_file((*config)[0]), (*config)[0]);
}

std::optional<Reply> OptionSet::reply(const std::vector<Setting>& command_line, const std::string& help,
                                      const std::string& usage) const {
  if (command_line.empty()) return Reply{usage, 2};
  if (find_setting(command_line, "help") != nullptr) return Reply{fill_in(help)};
  if (find_setting(command_line, "help-all") != nullptr) return Reply{help_all()};
  if (find_setting(command_line, "version") != nullptr) return Reply{join(program_, " ", kVersion, "\n")};
  return std::nullopt;
}

std::string OptionSet::help_all() const {
  po::options_description all(join("All options of ", program_, ", with [defaults]"), kColumns, kNameColumns);
  for (const Group& group : groups_) all.add(boost_group(group.title, group.options));
  return join(all);
}

std::string OptionSet::fill_in(std::string text) const {
  for (const std::string& name : names(false)) {
    const std::string place = join("{", name, "}");
    const std::string value = join_list(find(name)->get(), " ");
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place)) {
      text.replace(at, place.size(), value);
    }
  }
  return text;
}

const Values* find_setting(const std::vector<Setting>& settings, const std::string& name) {
  for (const Setting& setting : settings) {
    if (setting.name == name) return &setting.values;
  }
  return nullptr;
}

std::string read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kLargestConfig + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) throw IoError(join("cannot read ", path, ": ", std::strerror(errno)));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestConfig) throw UsageError(path + " is larger than 1 MiB: this is no config file");
  return text;
}

}  // namespace mininmt
