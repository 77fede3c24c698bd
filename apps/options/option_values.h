// The values of options as text: what an option allows, training budgets, and the nearest known name to a
// mistyped one. What reads throws UsageError with the value and what is allowed; the caller puts the option's
// name before it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mininmt {

// The values of one option, as typed.
using Values = std::vector<std::string>;

// The numbers an option allows, both ends included.
template <class Number>
struct Range {
  Number min;
  Number max;
};

// How long to train, or how often to do something: the part that is reached first counts, a part of 0 never
// is.
struct Budget {
  std::int64_t epochs = 0;
  std::int64_t updates = 0;
  std::int64_t minutes = 0;

  // Whether `done` (so many epochs, updates and minutes) reaches any part of this budget.
  bool reached_by(const Budget& done) const;
  // Whether no part is set: for --after no limit, for a frequency never.
  bool empty() const { return epochs == 0 && updates == 0 && minutes == 0; }
  bool operator==(const Budget&) const = default;
};

// What an option takes. `write` gives the shortest text that `read` reads back as the same value.
template <class T>
struct Kind {
  std::string values_name;               // how help shows the values: "SOURCE TARGET"; empty for a flag
  std::function<T(const Values&)> read;  // of values whose number is right
  std::function<Values(const T&)> write;
  std::size_t min_values = 1, max_values = 1;
  Values implicit = {};  // the values of an option that is given without any
};

namespace kind {

Kind<bool> flag();
// A whole number in decimal digits; a finite decimal number, as in 0.5 or 1e-6.
Kind<int> integer(Range<int> range);
Kind<double> real(Range<double> range, const std::string& values_name = "X");
// "10e", "5000u", "30m" or several with commas, "10e,30m". A plain number counts updates; "0" is the empty
// one.
Kind<Budget> budget();
// A file or folder; empty: none.
Kind<std::string> name(const std::string& values_name = "FILE");
Kind<std::string> choice(const std::vector<std::string>& choices);
// Different ones of the choices, at least one.
Kind<std::vector<std::string>> choices(const std::vector<std::string>& choices);
// A source and a target side.
Kind<std::vector<std::string>> names_of_sides();
Kind<std::vector<int>> integers_of_sides(Range<int> range);

// The same, but `value` is meant where the option is given without one.
template <class T>
Kind<T> or_without_value(Kind<T> kind, const std::string& value) {
  kind.implicit = {value};
  return kind;
}

}  // namespace kind

// `text` in single quotes for a message: control characters are replaced by '?' and a long text is cut.
std::string in_quotes(std::string_view text);

// The parts with `separator` between them.
std::string join_list(const std::vector<std::string>& parts, const std::string& separator);

// Damerau-Levenshtein distance in its optimal string alignment form: the least number of single characters
// inserted, deleted or replaced, and of neighbours swapped, that turns `a` into `b`.
int edit_distance(std::string_view a, std::string_view b);

// The known names that `name` was probably meant to be: those at the least distance if that is small for its
// length, else up to four names in which it begins a part. May be empty.
std::vector<std::string> suggestions(const std::string& name, const std::vector<std::string>& known);

}  // namespace mininmt
