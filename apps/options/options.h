// The options of a program: declared once, each bound to a field; read from presets, a config file and the
// command line; checked, explained by --help-all, and written as a config file that --config reads back.
//
// Boost.Program_options parses command lines, stores and notifies values, and prints help. This adds messages
// with ranges and choices, config files with line numbers, suggestions, and rules between options.
//
// Settings are applied from weakest to strongest source: preset, config file, command line. Functions that
// read throw UsageError, which names the option, or file and line, and what is allowed.
#pragma once

#include <boost/program_options.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/option_values.h"
#include "apps/options/reply.h"

namespace mininmt {

namespace po = boost::program_options;

// One option, made by OptionSet::add; the fields from `command_line_only` to `set_by` may be set
// right after adding.
struct Option {
  std::string name;         // without dashes
  std::string values_name;  // as in Kind, like the next three
  std::size_t min_values, max_values;
  Values implicit;
  std::string group;
  std::string needs;                        // an option that this one requires
  bool command_line_only = false;           // not in config files
  std::function<bool()> applies = nullptr;  // if set: the option applies only if true
  std::string set_by = {};                  // an option that sets this one too

  // Reads the right number of values; the returned function sets the field.
  std::function<std::function<void()>(const Values&)> read = nullptr;
  std::function<Values()> get = nullptr;       // the current value
  std::function<bool()> active = nullptr;      // whether it is not 0, false or empty
  std::function<void()> switch_off = nullptr;  // sets it to that
};

// The options from one source. original_tokens[0] is their name in messages: "--model", "my.ini:3: model".
using Settings = std::vector<po::option>;

class OptionSet {
 public:
  explicit OptionSet(std::string program) : program_(std::move(program)) {}
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  // Options added from now on appear under this title in --help-all.
  void group(const std::string& title);

  // Binds option --name to a field, whose current value is the default. The field must outlive the set.
  template <class T>
  Option& add(const std::string& name, T& field, const Kind<T>& kind, const std::string& help,
              const std::string& needs = "") {
    return add<T>(
        name, [&field] { return field; }, [&field](const T& value) { field = value; }, kind, help, needs);
  }
  // The same with functions that get and set the value.
  template <class T>
  Option& add(const std::string& name, const std::function<T()>& get,
              const std::function<void(const T&)>& set, const Kind<T>& kind, const std::string& help,
              const std::string& needs = "");
  // --config, --help, --help-all, --help-man, --help-bash and --version.
  void add_general();

  // The settings of a command line (argv without the program's name). Unknown, abbreviated and stray
  // arguments are errors, with a suggestion if one is close. Values are not checked yet.
  Settings read_command_line(const std::vector<std::string>& arguments) const;

  // The settings of a config text: lines "name = value value", values with blanks in double quotes, "#"
  // before a comment. `file` is its name in messages. If `only` is not empty, lines with other names, even
  // unknown ones, are skipped.
  Settings read_config(const std::string& text, const std::string& file,
                       const std::vector<std::string>& only = {}) const;

  // The settings of the file that --config names, if any. Also throws IoError.
  Settings read_config_named_in(const Settings& command_line);

  // All of it, of a program whose options have no other sources: reads and applies the command line, and
  // before it the config file that it names; or what to print instead, as reply().
  std::optional<Reply> read(const std::vector<std::string>& arguments, const std::string& help,
                            const std::string& usage);

  // Checks the values of one source and sets the fields. An option given twice is an error.
  void apply(const Settings& settings);

  // Of two exclusive options, the one from the stronger source stays and the other is switched off
  // (sources: weakest first). Two from the same source are an error.
  void exclusive(const std::vector<Settings>& sources, const std::string& first, const std::string& second);

  // Rejects options in `settings` that are set although an option they need, also through another, is off.
  void check_needs(const Settings& settings) const;

  // Whether option `name` is set to something that is not 0, false or empty.
  bool is_active(const std::string& name) const { return find(name)->active(); }

  // Fails if option `name` is not set; `what` describes it.
  void require(const std::string& name, const std::string& what) const;

  // What to print instead of working, if anything: `help`, with defaults filled in, for --help; `usage`, with
  // exit code 2, for an empty command line.
  std::optional<Reply> reply(const Settings& command_line, const std::string& help,
                             const std::string& usage) const;

  // A manual page in roff, with the first paragraph of `help`; a completion for bash (manual.cc).
  std::string manual_page(const std::string& help, const std::string& usage) const;
  std::string bash_completion() const;

  // The current values as config text.
  std::string to_config() const;

  // The options whose values differ between two texts of to_config(), as "--seed is 2, was 1". One that a
  // text lacks has the value of a third, `standard`. Without what merely follows: options that don't apply on
  // one side, or that a changed one sets. Those named in `except` count only if others need them and one side
  // alone has them. Leaves the fields as `now` sets them.
  std::vector<std::string> changed(const std::string& before, const std::string& now,
                                   const std::string& standard, const std::vector<std::string>& except);

 private:
  // An option that this one needs, directly or through another, and that is off; nullptr if there is none.
  const Option* missing_need(const Option& option) const;
  bool is_idle(const Option& option) const;  // whether it does nothing as things are
  // The options that do nothing where only `defaults` and `settings` are set.
  std::set<std::string> idle_with(const Settings& defaults, const Settings& settings);
  Option& add_option(const Option& option, const std::string& help);
  po::options_description described() const;
  const Option* find(const std::string& name) const;
  std::string did_you_mean(const std::string& name, const std::string& dashes) const;
  [[noreturn]] void refuse_stray(const std::string& argument) const;
  std::string fill_in(std::string text) const;

  std::string program_;
  std::string group_;
  std::deque<po::options_description> groups_;  // for Boost
  std::deque<Option> options_;                  // the rest, in the same order
  bool help_ = false, help_all_ = false, help_man_ = false, help_bash_ = false, version_ = false;
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

// What messages call a setting: "--log" or "my.ini:3: log".
const std::string& label(const po::option& setting);
// What stands before another option's name in the same message: "--", or nothing in a config file.
std::string dashes(const po::option& setting);
// What messages call option `name`, as the strongest of `sources` (weakest first) gives it.
std::string label(const std::vector<Settings>& sources, const std::string& name);

// Whether two paths name the same regular file, also through links, or are equal if it does not exist yet.
bool same_file(const std::string& a, const std::string& b);

// The text of a file of at most 1 MiB. Throws IoError if it cannot be read, UsageError if it is larger.
std::string read_small_file(const std::string& path);

}  // namespace mininmt
