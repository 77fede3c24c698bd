// The values of options as text: numbers with their allowed range, choices, training budgets, and the nearest
// known name to a mistyped one. Every function that parses throws UsageError with the value and what is
// allowed; the caller puts the option's name before it.
#pragma once

#include <cstdint>
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

// A whole number in decimal digits.
int parse_integer(const std::string& text, Range<int> range);

// A finite decimal number, as in 0.5 or 1e-6. NaN, infinity and hexadecimal are refused.
double parse_real(const std::string& text, Range<double> range);

// The shortest text that parse_real reads back as the same number.
std::string format_real(double value);

// Returns `text` if it is one of `choices`.
std::string parse_choice(const std::string& text, const std::vector<std::string>& choices);

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

// Reads "10e", "5000u", "30m" or several with commas, "10e,30m". A plain number counts updates; "0" is the
// empty one.
Budget parse_budget(const std::string& text);

// The text that parse_budget reads back as the same budget.
std::string format_budget(const Budget& budget);

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
