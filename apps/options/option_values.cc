#include "apps/options/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Reads all of `text` as a number; false if it is anything else, or out of range for the type.
template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end;
}

template <class Number>
std::string format_number(Number value) {
  std::array<char, 32> buffer;
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

// A kind with a single value, from functions that read and write one text.
template <class T, class Read, class Write>
Kind<T> one_value(const std::string& values_name, Read read, Write write) {
  return {values_name, [read](const Values& values) { return read(values[0]); },
          [write](const T& value) { return Values{write(value)}; }};
}

template <class Number>
Kind<Number> number(Range<Number> range, const std::string& values_name, const std::string& what) {
  const auto read = [=](const std::string& text) {
    Number value = 0;
    // Written so that NaN, which fails every comparison, is rejected.
    if (read_number(text, value) && value >= range.min && value <= range.max) return value;
    throw UsageError(join(in_quotes(text), " is not ", what, " from ", format_number(range.min), " to ",
                          format_number(range.max)));
  };
  return one_value<Number>(values_name, read, format_number<Number>);
}

template <class T>
Kind<std::vector<T>> several(const Kind<T>& one, Range<std::size_t> count, const std::string& values_name) {
  const auto read = [one](const Values& values) {
    std::vector<T> all;
    for (const std::string& value : values) all.push_back(one.read({value}));
    return all;
  };
  const auto write = [one](const std::vector<T>& all) {
    Values values;
    for (const T& value : all) values.push_back(one.write(value)[0]);
    return values;
  };
  return {values_name, read, write, count.min, count.max};
}

template <class T>
Kind<std::vector<T>> two_of(const Kind<T>& one, const std::string& values_name) {
  return several(one, {2, 2}, values_name);
}

std::string read_choice(const std::string& text, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  throw UsageError(join(in_quotes(text), " is not one of ", join_list(choices, ", ")));
}

std::string read_name(const Values& values) {
  if (values[0].empty()) throw UsageError("an empty name was given; is a shell variable unset?");
  if (values[0].find('\n') == std::string::npos) return values[0];
  throw UsageError("names with a line break are not supported");
}

Budget read_budget(const std::string& text, bool parts_of_epochs) {
  constexpr std::int64_t kLargest = 1'000'000'000'000;
  const auto refuse = [&](const std::string& why) {
    throw UsageError(
        join(in_quotes(text), " ", why,
             ": give epochs, updates or minutes as in 10e, 5000u, 30m, or several as in 10e,30m"));
  };
  Budget budget;
  std::string units_seen;
  for (std::size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find(',', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    const bool has_unit = !part.empty() && std::string("eum").find(part.back()) != std::string::npos;
    const char unit = has_unit ? part.back() : 'u';
    if (has_unit) part.pop_back();
    if (units_seen.find(unit) != std::string::npos) refuse("sets the same unit twice");
    units_seen += unit;
    const auto read = [&](auto& count) {
      // Written so that NaN is refused.
      if (!read_number(part, count) || !(count >= 0 && count <= kLargest))
        refuse("is not a length of training");
    };
    if (unit == 'e')
      read(budget.epochs);
    else
      read(unit == 'm' ? budget.minutes : budget.updates);
  }
  if (!parts_of_epochs && budget.epochs != std::floor(budget.epochs)) refuse("has a part of an epoch");
  return budget;
}

// Without an exponent, which looks like the unit of epochs.
std::string format_fixed(double value) {
  std::array<char, 400> buffer;
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), end};
}

std::string format_budget(const Budget& budget) {
  Values parts;
  if (budget.epochs > 0) parts.push_back(format_fixed(budget.epochs) + "e");
  if (budget.updates > 0) parts.push_back(join(budget.updates, "u"));
  if (budget.minutes > 0) parts.push_back(join(budget.minutes, "m"));
  return parts.empty() ? "0" : join_list(parts, ",");
}

}  // namespace

namespace kind {

Kind<bool> flag() {
  const auto read = [](const std::string& text) { return read_choice(text, {"true", "false"}) == "true"; };
  const auto write = [](bool on) { return on ? "true" : "false"; };
  return or_without_value(one_value<bool>("", read, write), "true");
}

Kind<bool> request() {
  return {"", [](const Values&) { return true; }, [](bool) { return Values{}; }, 0, 0};
}

Kind<int> integer(Range<int> range) { return number(range, "N", "a whole number"); }

Kind<double> real(Range<double> range, const std::string& values_name) {
  return number(range, values_name, "a number");
}

Kind<Budget> budget(bool parts_of_epochs) {
  const auto read = [=](const std::string& text) { return read_budget(text, parts_of_epochs); };
  return one_value<Budget>("LENGTH", read, format_budget);
}

Kind<std::string> name(const std::string& values_name) {
  return {values_name, read_name,
          [](const std::string& name) { return name.empty() ? Values{} : Values{name}; }};
}

Kind<std::string> choice(const std::vector<std::string>& choices) {
  Kind<std::string> kind = name(join_list(choices, "|"));
  kind.read = [choices](const Values& values) { return read_choice(values[0], choices); };
  return kind;
}

Kind<Values> choices(const std::vector<std::string>& choices) {
  const auto read = [choices](const Values& values) {
    for (const std::string& value : values) read_choice(value, choices);
    if (std::set<std::string>(values.begin(), values.end()).size() == values.size()) return values;
    throw UsageError("names the same value twice");
  };
  return {"NAME ...", read, [](const Values& values) { return values; }, 1, choices.size()};
}

Kind<Values> names(Range<std::size_t> count, const std::string& values_name) {
  return several(name(), count, values_name);
}

Kind<std::vector<double>> reals(Range<double> range, std::size_t most, const std::string& values_name) {
  return several(real(range), {1, most}, values_name);
}

Kind<std::string> choice_or_real(const std::vector<std::string>& choices, Range<double> range,
                                 const std::string& values_name) {
  Kind<std::string> kind = name(values_name);
  kind.read = [choices, number = real(range)](const Values& values) {
    double value = 0;
    if (!read_number(values[0], value)) return read_choice(values[0], choices);
    number.read(values);
    return values[0];
  };
  return kind;
}

Kind<Values> names_of_sides() { return two_of(name(), "SOURCE TARGET"); }

Kind<Values> names_of_pairs() {
  Kind<Values> kind = names_of_sides();
  kind.min_values = 1;
  const auto read_two = kind.read;
  kind.read = [read_two](const Values& values) {
    return values.size() == 1 ? Values{read_name(values)} : read_two(values);
  };
  return kind;
}

Kind<Values> choices_of_sides(const std::vector<std::string>& choices) {
  const auto read = [choices](const Values& values) {
    for (const std::string& value : values) read_choice(value, choices);
    return Values{values.front(), values.back()};
  };
  const auto write = [](const Values& sides) {
    return sides.front() == sides.back() ? Values{sides.front()} : sides;
  };
  return {join_list(choices, "|") + " [...]", read, write, 1, 2};
}

Kind<std::vector<int>> integers_of_sides(Range<int> range) { return two_of(integer(range), "N N"); }

Kind<std::vector<double>> two_reals(Range<double> range, const std::string& values_name) {
  return two_of(real(range), values_name);
}

}  // namespace kind

bool Budget::reached_by(const Budget& done) const {
  return (epochs > 0 && done.epochs >= epochs) || (updates > 0 && done.updates >= updates) ||
         (minutes > 0 && done.minutes >= minutes);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::size_t end = std::min(text.size(), kLongest);
  while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;  // no part of a character
  std::string shown(text.substr(0, end));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return join("'", shown, end < text.size() ? "...'" : "'");
}

std::string join_list(const std::vector<std::string>& parts, const std::string& separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

int edit_distance(std::string_view a, std::string_view b) {
  // d[i][j] is the distance between the first i characters of a and the first j of b.
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      d[i][j] = static_cast<int>(i + j);
      if (i == 0 || j == 0) continue;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d.back().back();
}

std::vector<std::string> suggestions(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestName = 64, kMost = 4;
  if (name.empty() || name.size() > kLongestName) return {};
  // One typo in three characters is still close to the intended word.
  int least = static_cast<int>(name.size()) / 3;
  std::vector<std::string> nearest;
  for (const std::string& candidate : known) {
    const int distance = edit_distance(name, candidate);
    if (distance > least) continue;
    if (distance < least) nearest.clear();
    least = distance;
    nearest.push_back(candidate);
  }
  if (!nearest.empty() || name.size() < 3) return nearest;
  for (const std::string& candidate : known) {
    const bool holds = ("-" + candidate).find("-" + name) != std::string::npos;
    if (holds && nearest.size() < kMost) nearest.push_back(candidate);
  }
  return nearest;
}

}  // namespace mininmt
