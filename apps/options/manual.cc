// A program's manual page and its completion in bash, made from the declared options.
#include <algorithm>
#include <sstream>

#include "apps/options/options.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

constexpr char kAfterOptions[] = R"(.SH EXIT STATUS
0 success, 1 failure at run time, 2 wrong usage, 65 bad data, 74 input or output failed, 128 + n ended by
signal n. Messages go to standard error, results to standard output.
.SH SEE ALSO
.BR mininmt\-train (1),
.BR mininmt\-beam (1),
.BR mininmt\-story (1),
.BR mininmt\-toy (1)
)";

// Text for roff: nothing in it is a request, and hyphens stay hyphens.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (escaped.empty() || escaped.back() == '\n')) escaped += "\\&";
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else
      escaped += c;
  }
  return escaped;
}

std::string words_of(const std::string& text) {  // on one line
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return join_list(words, " ");
}

// The first sentence of `text`, which begins with the program's name, without both the name and the end.
std::string purpose(const std::string& program, const std::string& text) {
  const std::string line = words_of(text);
  return line.substr(program.size() + 1, line.find(". ") - program.size() - 1);
}

// The choices in a values' name such as auto|cpu|cuda, or hard|soft|X, where X is a number; empty for others,
// which are file names, if anything.
std::string choices_of(std::string values_name) {
  if (values_name.find('|') == std::string::npos) return "";
  if (values_name.ends_with("|X")) values_name.resize(values_name.size() - 2);
  values_name = values_name.substr(0, values_name.find(" ["));
  std::replace(values_name.begin(), values_name.end(), '|', ' ');
  return values_name;
}

}  // namespace

std::string OptionSet::manual_page(const std::string& help, const std::string& usage) const {
  const std::string first = help.substr(0, help.find("\n\n") + 1);
  std::string text =
      join(".TH ", roff(program_), " 1 \"\" \"mininmt ", kVersion, "\" \"User commands\"\n.ad l\n.SH NAME\n",
           roff(program_), " \\- ", roff(purpose(program_, first)), "\n.SH SYNOPSIS\n.nf\n");
  std::istringstream lines(usage);
  for (std::string line; std::getline(lines, line) && line.find("--help explains") == std::string::npos;)
    text += roff(line.substr(std::string("usage: ").size())) + "\n";
  text += ".fi\n.SH DESCRIPTION\n" + roff(first);
  text += ".SH OPTIONS\nDefaults are in [brackets]. An option without a value and a default is a switch.\n";
  for (const po::options_description& group : groups_) {
    std::ostringstream title;
    title << group;
    text += ".SS " + roff(title.str().substr(0, title.str().find(":\n"))) + "\n";
    for (const auto& option : group.options()) {
      const std::string& values = find(option->long_name())->values_name;
      text += join(".TP\n.B ", roff("--" + option->long_name()),
                   values.empty() ? "" : " \\fI" + roff(values) + "\\fR", "\n", roff(option->description()),
                   "\n");
    }
  }
  return text + kAfterOptions;
}

std::string OptionSet::bash_completion() const {
  std::string function = "_" + program_, names, cases;
  std::replace(function.begin(), function.end(), '-', '_');
  for (const Option& option : options_) {
    names += " --" + option.name;
    const std::string choices = option.values_name.empty() && !option.command_line_only
                                    ? "true false"
                                    : choices_of(option.values_name);
    if (!choices.empty())
      cases += join("    --", option.name, ") COMPREPLY=($(compgen -W '", choices, "' -- \"$word\")) ;;\n");
  }
  return join("# Completion of ", program_, " in bash: source <(", program_, " --help-bash)\n", function,
              "() {\n",
              "  local word=${COMP_WORDS[COMP_CWORD]} option= i\n"
              "  for ((i = COMP_CWORD - 1; i > 0; --i)); do\n"
              "    case ${COMP_WORDS[i]} in --*) option=${COMP_WORDS[i]}; break ;; esac\n"
              "  done\n"
              "  COMPREPLY=()\n"
              "  if [[ $word == -* ]]; then\n"
              "    COMPREPLY=($(compgen -W '",
              names.substr(1), "' -- \"$word\"))\n    return\n  fi\n  case $option in\n", cases,
              "  esac\n}\ncomplete -o default -F ", function, " ", program_, "\n");
}

}  // namespace mininmt
