#include "apps/options/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::int64_t kLargestBudget = 1'000'000'000'000;

// Reads all of `text` as a number; false if any of it is something else, or it doesn't fit.
template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end;
}

std::int64_t& budget_part(Budget& budget, char unit) {
  return unit == 'e' ? budget.epochs : unit == 'm' ? budget.minutes : budget.updates;
}

}  // namespace

int parse_integer(const std::string& text, Range<int> range) {
  std::int64_t value = 0;
  if (!read_number(text, value) || value < range.min || value > range.max) {
    throw UsageError(join(in_quotes(text), " is not a whole number from ", range.min, " to ", range.max));
  }
  return static_cast<int>(value);
}

double parse_real(const std::string& text, Range<double> range) {
  double value = 0;
  // NaN fails every comparison, so the range is asked for and not its opposite.
  const bool allowed = read_number(text, value) && value >= range.min && value <= range.max;
  if (!allowed) {
    throw UsageError(join(in_quotes(text), " is not a number from ", format_real(range.min), " to ",
                          format_real(range.max)));
  }
  return value;
}

std::string format_real(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return std::string(buffer.data(), end);
}

std::string parse_choice(const std::string& text, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    throw UsageError(join(in_quotes(text), " is not one of ", join_list(choices, ", ")));
  }
  return text;
}

bool Budget::reached_by(const Budget& done) const {
  return (epochs > 0 && done.epochs >= epochs) || (updates > 0 && done.updates >= updates) ||
         (minutes > 0 && done.minutes >= minutes);
}

Budget parse_budget(const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError(
        join(in_quotes(text), " ", why,
             ": give epochs, updates or minutes as in 10e, 5000u, 30m, or several as in 10e,30m"));
  };
  Budget budget;
  std::string units_seen;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    char unit = 'u';
    if (!part.empty() && std::string_view("eum").find(part.back()) != std::string_view::npos) {
      unit = part.back();
      part.pop_back();
    }
    if (units_seen.find(unit) != std::string::npos) refuse("sets the same unit twice");
    units_seen += unit;
    std::int64_t& count = budget_part(budget, unit);
    if (!read_number(part, count) || count < 0 || count > kLargestBudget)
      refuse("is not a length of training");
  }
  return budget;
}

std::string format_budget(const Budget& budget) {
  std::vector<std::string> parts;
  if (budget.epochs > 0) parts.push_back(join(budget.epochs, "e"));
  if (budget.updates > 0) parts.push_back(join(budget.updates, "u"));
  if (budget.minutes > 0) parts.push_back(join(budget.minutes, "m"));
  return parts.empty() ? "0" : join_list(parts, ",");
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string shown(text.substr(0, kLongest));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return join("'", shown, text.size() > kLongest ? "...'" : "'");
}

std::string join_list(const std::vector<std::string>& parts, const std::string& separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

int edit_distance(std::string_view a, std::string_view b) {
  // distance[j] is the distance of the first i characters of a and the first j of b; the two earlier rows are
  // kept.
  std::vector<int> before_last, last, distance(b.size() + 1);
  std::iota(distance.begin(), distance.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::move(last);
    last = distance;
    distance[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      distance[j] = std::min({replaced, last[j] + 1, distance[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        distance[j] = std::min(distance[j], before_last[j - 2] + 1);
      }
    }
  }
  return distance[b.size()];
}

std::vector<std::string> suggestions(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongestName = 64;
  if (name.empty() || name.size() > kLongestName) return {};
  // One slip in three characters still looks like the word that was meant.
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
  constexpr std::size_t kMost = 4;
  for (const std::string& candidate : known) {
    const bool holds = ("-" + candidate).find("-" + name) != std::string::npos;
    if (holds && nearest.size() < kMost) nearest.push_back(candidate);
  }
  return nearest;
}

}  // namespace mininmt
