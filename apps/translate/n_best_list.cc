#include "apps/translate/n_best_list.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::string_view kBar = " ||| ";
constexpr std::string_view kWord = "|||", kEscaped = "&#124;&#124;&#124;";

// The words of a text, one of them replaced.
std::string with_words(std::string_view text, std::string_view from, std::string_view to) {
  std::string line;
  for (const std::string_view word : split_words(text)) {
    line += line.empty() ? "" : " ";
    line += word == from ? to : word;
  }
  return line;
}

}  // namespace

std::string without_bars(const std::string& text) { return with_words(text, kWord, kEscaped); }

std::string NBestEntry::with_feature(const std::string& name, double value) const {
  char number[32];
  std::snprintf(number, sizeof number, "%.6f", value);
  return join(head, " ", name, "= ", number, tail);
}

bool NBestReader::next(NBestEntry& entry) {
  std::string line;
  if (!lines_.next(line)) return false;
  const auto refuse = [&](const std::string& why) { throw DataError(join(lines_.place(), ": ", why)); };
  const std::size_t words = line.find(kBar);
  const std::size_t features = words == line.npos ? line.npos : line.find(kBar, words + kBar.size());
  if (features == line.npos) refuse("not of the form NUMBER ||| WORDS ||| FEATURES ||| SCORE");
  const auto [rest, error] = std::from_chars(line.data(), line.data() + words, entry.number);
  if (error != std::errc() || rest != line.data() + words)
    refuse("does not begin with the number of a line of the input");
  if (entry.number < last_)
    refuse(join("is for line ", entry.number, " of the input, after one for ", last_));
  last_ = entry.number;
  const std::size_t end = std::min(line.find(kBar, features + kBar.size()), line.size());
  entry.head = line.substr(0, end);
  entry.tail = line.substr(end);
  const std::string_view text =
      std::string_view(line).substr(words + kBar.size(), features - words - kBar.size());
  entry.text = target_.id(kEscaped) == kUnk ? with_words(text, kEscaped, kWord) : std::string(text);
  return true;
}

}  // namespace mininmt
