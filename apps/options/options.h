// The options of a program: declared once, each bound to a field, then read from presets, a config file and
// the command line, checked, explained by --help-all, and written as a config file that --config reads back.
//
// A value comes from the command line, else from the config file, else from the preset, else it is the
// default. Every function that reads throws UsageError: the message names the option, or file and line, and
// what is allowed.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/options/option_values.h"

namespace mininmt {

// Where the value of an option came from; a later one is stronger.
enum class Source { kDefault, kPreset, kFile, kCommandLine };

// One option. OptionSet::add makes them; the fields after `help` may be changed right after adding.
struct Option {
  std::string name = "";         // without dashes
  std::string values_name = "";  // how help shows the values: "SOURCE TARGET"; empty for a flag
  std::string help = "";
  int min_values = 1;
  int max_values = 1;
  Values implicit = {};            // the values when the option is given without any
  std::string needs = "";          // the option without which this one does nothing
  bool command_line_only = false;  // neither read from a config file nor written to one
  // Bound to the field. set() checks values whose number is already right.
  std::function<void(const Values&)> set = nullptr;
  std::function<Values()> get = nullptr;
  Values off = {};  // the values that switch the option off
  Source source = Source::kDefault;
};

// One option given by somebody: `label` is what messages call it, "--model" or "my.ini:3: model".
struct Setting {
  std::string name;
  Values values;
  std::string label;
};

// What a program prints instead of working: exit code 0 for stdout, another for stderr.
struct Reply {
  std::string text;
  int exit_code = 0;
};

class OptionSet {
 public:
  explicit OptionSet(std::string program) : program_(std::move(program)) {}
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  // Options added from now on stand under this title in --help-all.
  void group(const std::string& title);

  // Each add binds option --name to a field, whose present value is the default. The field must outlive the
  // set.
  Option& add(const std::string& name, bool& field, const std::string& help);
  Option& add(const std::string& name, int& field, Range<int> range, const std::string& values_name,
              const std::string& help);
  Option& add(const std::string& name, double& field, Range<double> range, const std::string& values_name,
              const std::string& help);
  Option& add(const std::string& name, std::string& field, const std::string& values_name,
              const std::string& help);
  Option& add(const std::string& name, Budget& field, const std::string& help);
  // A list of exactly `count` texts, or of exactly `count` numbers.
  Option& add(const std::string& name, std::vector<std::string>& field, int count,
              const std::string& values_name, const std::string& help);
  Option& add(const std::string& name, std::vector<int>& field, int count, Range<int> range,
              const std::string& values_name, const std::string& help);
  // One of the choices, or a list of different ones.
  Option& add_choice(const std::string& name, std::string& field, const std::vector<std::string>& choices,
                     const std::string& help);
  Option& add_choices(const std::string& name, std::vector<std::string>& field,
                      const std::vector<std::string>& choices, const std::string& help);
  // --config, --help, --help-all and --version, which every program has.
  void add_general();

  // The settings of a command line, argv without the program's name. Unknown, abbreviated, repeated and stray
  // arguments are refused, with a suggestion where one is near. Values are not checked yet.
  std::vector<Setting> read_command_line(const std::vector<std::string>& arguments) const;

  // The settings of a config text: lines "name = value value", values with blanks in double quotes, "#"
  // before a comment. `file` is its name in messages. If `only` names any options, other lines are skipped,
  // unknown ones too.
  std::vector<Setting> read_config(const std::string& text, const std::string& file,
                                   const std::vector<std::string>& only = {}) const;

  // The settings of the file that --config names, none without it. Throws IoError too.
  std::vector<Setting> read_config_named_in(const std::vector<Setting>& command_line) const;

  // Checks the values and stores them in the fields, except in those that have a value from a stronger
  // source.
  void apply(const std::vector<Setting>& settings, Source source);

  // Refuses a run without option `name`; `what` says what it is.
  void require(const std::string& name, const std::string& what) const;

  // Of two options that cannot both hold, the one from the stronger source stays and the other is switched
  // off. Two of the same source are refused.
  void exclusive(const std::string& first, const std::string& second);

  // Refuses options that somebody gave although the option that they need is off.
  void check_needs() const;

  Source source(const std::string& name) const { return find(name)->source; }
  // Whether the option holds something other than its "off" value.
  bool active(const std::string& name) const;

  // What to print instead of working, if the command line asks for that: `help` with defaults filled in for
  // --help, `usage` with exit code 2 for an empty command line.
  std::optional<Reply> reply(const std::vector<Setting>& command_line, const std::string& help,
                             const std::string& usage) const;

  // All options by group, with their defaults, 80 columns wide.
  std::string help_all() const;
  // `text` with each "{name}" replaced by the present value of that option.
  std::string fill_in(std::string text) const;
  // The present values as a config text.
  std::string to_config() const;

 private:
  struct Group {
    std::string title;
    std::deque<Option> options;
  };

  Option& add_option(Option option);
  const Option* find(const std::string& name) const;
  Option* find(const std::string& name) { return const_cast<Option*>(std::as_const(*this).find(name)); }
  std::vector<std::string> names(bool for_files) const;
  std::string did_you_mean(const std::string& name, const std::string& dashes) const;
  [[noreturn]] void refuse_stray(const std::string& argument) const;
  void check_config_name(const std::string& name, const std::string& where) const;
  static void require_count(const Option& option, const Setting& setting);

  std::string program_;
  std::deque<Group> groups_;
  bool help_ = false, help_all_ = false, version_ = false;
  std::string config_;
};

// The options to work with, or the reply to --help and the like.
template <class Options>
using Parsed = std::variant<Options, Reply>;

// The values of option `name` in `settings`, or nullptr.
const Values* find_setting(const std::vector<Setting>& settings, const std::string& name);

// Whether two paths name one regular file, also by way of links; or the same name for one that is not there
// yet.
bool same_file(const std::string& a, const std::string& b);

// The text of a small file, at most 1 MiB. Throws IoError when it cannot be read, UsageError when it is
// larger.
std::string read_small_file(const std::string& path);

}  // namespace mininmt
