// The options of a program: declared once, each bound to a field, then read from presets, a config file and
// the command line, checked, explained by --help-all, and written as a config file that --config reads back.
//
// Boost.Program_options parses command lines, stores and announces values, and prints help. Here is the rest:
// messages with range and choices, config files with line numbers, suggestions, rules between options.
//
// Settings are applied from the weakest source to the strongest: preset, config file, command line. Every
// function that reads throws UsageError: the message names the option, or file and line, and what is allowed.
#pragma once

#include <boost/program_options.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/option_values.h"
#include "apps/options/reply.h"

namespace mininmt {

namespace po = boost::program_options;

// One option. OptionSet::add makes them; `command_line_only` and `applies` may be set right after adding.
struct Option {
  std::string name;         // without dashes
  std::string values_name;  // as in Kind, and the next three too
  std::size_t min_values, max_values;
  Values implicit;
  std::string group;
  std::string needs;                        // the option without which this one does nothing
  bool command_line_only = false;           // neither read from a config file nor written to one
  std::function<bool()> applies = nullptr;  // set: the option matters only where this holds

  // Reads values whose number is right; what it returns puts them into the field.
  std::function<std::function<void()>(const Values&)> read = nullptr;
  std::function<Values()> get = nullptr;       // the present value
  std::function<bool()> active = nullptr;      // whether it is something other than 0, false or nothing
  std::function<void()> switch_off = nullptr;  // makes it that
};

// The options that one source gives. original_tokens[0] is what messages call one: "--model", "my.ini:3:
// model".
using Settings = std::vector<po::option>;

class OptionSet {
 public:
  explicit OptionSet(std::string program) : program_(std::move(program)) {}
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  // Options added from now on stand under this title in --help-all.
  void group(const std::string& title);

  // Binds option --name to a field, whose present value is the default. The field must outlive the set.
  template <class T>
  Option& add(const std::string& name, T& field, const Kind<T>& kind, const std::string& help,
              const std::string& needs = "") {
    return add<T>(
        name, [&field] { return field; }, [&field](const T& value) { field = value; }, kind, help, needs);
  }
  // The same with functions that get and set the value, for what is declared by data.
  template <class T>
  Option& add(const std::string& name, const std::function<T()>& get,
              const std::function<void(const T&)>& set, const Kind<T>& kind, const std::string& help,
              const std::string& needs = "");
  // --config, --help, --help-all and --version, which every program has.
  void add_general();

  // The settings of a command line, argv without the program's name. Unknown, abbreviated and stray arguments
  // are refused, with a suggestion where one is near. Values are not checked yet.
  Settings read_command_line(const std::vector<std::string>& arguments) const;

  // The settings of a config text: lines "name = value value", values with blanks in double quotes, "#"
  // before a comment. `file` is its name in messages. If `only` names any options, other lines are skipped,
  // unknown ones too.
  Settings read_config(const std::string& text, const std::string& file,
                       const std::vector<std::string>& only = {}) const;

  // The settings of the file that --config names, none without it. Throws IoError too.
  Settings read_config_named_in(const Settings& command_line);

  // Checks the values of one source and stores them in the fields. An option given twice is refused.
  void apply(const Settings& settings);

  // Of two options that cannot both hold, the one from the stronger of the applied sources (weakest first)
  // stays and the other is switched off. Two from the same source are refused.
  void exclusive(const std::vector<Settings>& sources, const std::string& first, const std::string& second);

  // Refuses options in `settings` that hold although the option that they need is off.
  void check_needs(const Settings& settings) const;

  // Refuses a run without option `name`; `what` says what it is.
  void require(const std::string& name, const std::string& what) const;

  // What to print instead of working, if the command line asks for that: `help` with defaults filled in for
  // --help, `usage` with exit code 2 for an empty command line.
  std::optional<Reply> reply(const Settings& command_line, const std::string& help,
                             const std::string& usage) const;

  // The present values as a config text.
  std::string to_config() const;

 private:
  Option& add_option(const Option& option, const std::string& help);
  po::options_description described() const;
  const Option* find(const std::string& name) const;
  std::string did_you_mean(const std::string& name, const std::string& dashes) const;
  [[noreturn]] void refuse_stray(const std::string& argument) const;
  std::string fill_in(std::string text) const;

  std::string program_;
  std::string group_;
  std::deque<po::options_description> groups_;  // for Boost
  std::deque<Option> options_;                  // what else there is to know, in the same order
  bool help_ = false, help_all_ = false, version_ = false;
  std::string config_;
};

template <class T>
Option& OptionSet::add(const std::string& name, const std::function<T()>& get,
                       const std::function<void(const T&)>& set, const Kind<T>& kind, const std::string& help,
                       const std::string& needs) {
  Option option{name, kind.values_name, kind.min_values, kind.max_values, kind.implicit, group_, needs};
  option.read = [kind, set](const Values& values) {
    return [set, value = kind.read(values)] { set(value); };
  };
  option.get = [kind, get] { return kind.write(get()); };
  option.active = [get] { return get() != T{}; };
  option.switch_off = [set] { set(T{}); };
  return add_option(option, help);
}

// The setting of option `name`, or nullptr.
const po::option* find_setting(const Settings& settings, const std::string& name);

// Whether two paths name one regular file, also by links, or have the same name if it is not there yet.
bool same_file(const std::string& a, const std::string& b);

// The text of a file of at most 1 MiB. Throws IoError if it cannot be read, UsageError if it is larger.
std::string read_small_file(const std::string& path);

}  // namespace mininmt
