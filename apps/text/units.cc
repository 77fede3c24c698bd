#include "apps/text/units.h"

#include <numeric>

#include "apps/text/graphemes.h"
#include "apps/text/lines.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

class Words final : public Units {
 public:
  std::string name() const override { return "words"; }
  std::string plural() const override { return "words"; }
  bool are_of_raw_text() const override { return false; }
  void for_each(std::string_view line, const Use& use) const override {
    for (const std::string_view word : split_words(line)) use(word);
  }
  std::string surface(std::string_view unit) const override { return " " + std::string(unit); }
};

class Characters final : public Units {
 public:
  std::string name() const override { return "chars"; }
  std::string plural() const override { return "characters"; }
  bool are_of_raw_text() const override { return true; }
  void for_each(std::string_view line, const Use& use) const override {
    bool is_first = true;
    for (std::string_view word : split_words(line)) {
      if (!is_first) use(kSpaceUnit);
      is_first = false;
      while (!word.empty()) {
        const std::string_view character = first_grapheme(word);
        use(character);
        word.remove_prefix(character.size());
      }
    }
  }
  bool is_unit(std::string_view text) const override {
    return text == kSpaceUnit || (is_one_word(text) && first_grapheme(text).size() == text.size());
  }
  std::string surface(std::string_view unit) const override {
    return unit == kSpaceUnit ? " " : std::string(unit);
  }
  using Units::linked;
  Linked linked(const std::vector<std::string>& units) const override {
    Linked linked = Units::linked(units);
    for (std::string& name : linked.names)
      if (name == kSpaceUnit) name = "\u2423";  // OPEN BOX, a visible space
    return linked;
  }
};

}  // namespace

bool is_one_word(std::string_view text) {
  const auto words = split_words(text);
  return words.size() == 1 && words.front().size() == text.size() && text.find('\n') == text.npos;
}

std::string either_plural(const Units& source, const Units& target) {
  return source.name() == target.name() ? source.plural() : "units";
}

bool Units::is_unit(std::string_view text) const { return is_one_word(text); }

Linked Units::linked(const std::vector<std::string>& units) const {
  Linked linked{units, std::vector<std::size_t>(units.size())};
  std::iota(linked.of_unit.begin(), linked.of_unit.end(), std::size_t{0});
  return linked;
}

std::vector<std::string> Units::split(std::string_view line) const {
  std::vector<std::string> units;
  for_each(line, [&](std::string_view unit) { units.emplace_back(unit); });
  return units;
}

std::string Units::line_of(std::span<const std::string_view> units) const {
  std::string text, line;
  for (const std::string_view unit : units) text += surface(unit);
  for (const std::string_view word : split_words(text)) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return replace_invalid_utf8(line, true);
}

std::shared_ptr<const Units> words() {
  static const auto units = std::make_shared<const Words>();
  return units;
}

std::shared_ptr<const Units> characters() {
  static const auto units = std::make_shared<const Characters>();
  return units;
}

std::shared_ptr<const Units> units_of(const std::string& name) {
  for (const auto& units : {words(), characters()})
    if (units->name() == name) return units;
  throw UsageError("--units: '" + name + "' is unknown");
}

}  // namespace mininmt
