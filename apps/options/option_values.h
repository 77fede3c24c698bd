// Option values as text: what an option allows, training budgets, and suggestions for mistyped names.
// Functions that read throw UsageError with the value and what is allowed; the caller adds the option's name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mininmt {

// The values of one option, as typed.
using Values = std::vector<std::string>;

// The numbers an option allows, inclusive.
template <class Number>
struct Range {
  Number min;
  Number max;
};

// How long to train, or how often to do something: the part reached first counts; 0 is never reached.
struct Budget {
  double epochs = 0;
  std::int64_t updates = 0;
  std::int64_t minutes = 0;

  // Whether `done` (epochs, updates and minutes) reaches any part of this budget.
  bool reached_by(const Budget& done) const;
  // Whether no part is set: no limit for --after, never for a frequency.
  bool empty() const { return epochs == 0 && updates == 0 && minutes == 0; }
  bool operator==(const Budget&) const = default;
};

// The type of an option. `write` gives the shortest text that `read` turns back into the same value.
template <class T>
struct Kind {
  std::string values_name;               // as shown in help: "SOURCE TARGET"; empty for flags
  std::function<T(const Values&)> read;  // called with the right number of values
  std::function<Values(const T&)> write;
  std::size_t min_values = 1, max_values = 1;
  Values implicit = {};  // the values if none are given
};

namespace kind {

// True or false; without a value true.
Kind<bool> flag();
// True if it is given at all; takes no value.
Kind<bool> request();
// A decimal integer; a finite decimal number such as 0.5 or 1e-6.
Kind<int> integer(Range<int> range);
Kind<double> real(Range<double> range, const std::string& values_name = "X");
// "10e", "5000u", "30m" or several with commas, "10e,30m". A plain number counts updates; "0" is empty. Parts
// of epochs, "7.5e", are allowed or refused.
Kind<Budget> budget(bool parts_of_epochs = false);
// A file or folder; empty: none.
Kind<std::string> name(const std::string& values_name = "FILE");
Kind<std::string> choice(const std::vector<std::string>& choices);
// One or more different choices.
Kind<std::vector<std::string>> choices(const std::vector<std::string>& choices);
// Several files or folders; several numbers.
Kind<std::vector<std::string>> names(Range<std::size_t> count, const std::string& values_name);
Kind<std::vector<double>> reals(Range<double> range, std::size_t most, const std::string& values_name);
// One of the choices, or a number.
Kind<std::string> choice_or_real(const std::vector<std::string>& choices, Range<double> range,
                                 const std::string& values_name);
// A source and a target side.
Kind<std::vector<std::string>> names_of_sides();
// The same, or one file of both sides.
Kind<std::vector<std::string>> names_of_pairs();
// One choice for both sides, or one a side; read as two.
Kind<std::vector<std::string>> choices_of_sides(const std::vector<std::string>& choices);
Kind<std::vector<int>> integers_of_sides(Range<int> range);
// Two numbers.
Kind<std::vector<double>> two_reals(Range<double> range, const std::string& values_name);

// The same, with `value` if the option is given without a value.
template <class T>
Kind<T> or_without_value(Kind<T> kind, const std::string& value) {
  kind.implicit = {value};
  return kind;
}

}  // namespace kind

// `text` in single quotes for a message: control characters become '?', and long text is cut.
std::string in_quotes(std::string_view text);

// The parts, joined with `separator`.
std::string join_list(const std::vector<std::string>& parts, const std::string& separator);

// Damerau-Levenshtein distance (optimal string alignment): the minimum number of insertions, deletions,
// replacements and swaps of neighbours that turn `a` into `b`.
int edit_distance(std::string_view a, std::string_view b);

// Known names similar to `name`: those at the minimum distance if that is small for its length, else up to
// four that contain a part starting with it. May be empty.
std::vector<std::string> suggestions(const std::string& name, const std::vector<std::string>& known);

}  // namespace mininmt
