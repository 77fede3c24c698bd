// What a line of text is made of for a model: words, pieces of words, or characters. All text that enters or
// leaves a model goes through here.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mininmt {

// What an alignment links.
struct Linked {
  std::vector<std::string> names;    // to show
  std::vector<std::size_t> of_unit;  // of each unit: the index of its name
};

// A way to divide a line into units, and its log probability up to a constant.
struct Division {
  std::vector<std::string> units;
  double log_p;
};

// No unit has white space, so that each is a line of a vocabulary file.
class Units {
 public:
  using Use = std::function<void(std::string_view unit)>;

  virtual ~Units() = default;

  virtual std::string name() const = 0;    // in --units
  virtual std::string plural() const = 0;  // in messages

  // Whether text is as people write it, not tokenized.
  virtual bool are_of_raw_text() const = 0;

  // Calls use(unit) for each unit of a line. A line of white space has none.
  virtual void for_each(std::string_view line, const Use& use) const = 0;

  // Whether a vocabulary can have this unit.
  virtual bool is_unit(std::string_view text) const;

  // The text that a unit stands for, in which a space separates words.
  virtual std::string surface(std::string_view unit) const = 0;

  // Of units that a model of their own finds: the bytes of its file, and all of them. Else both are empty.
  virtual std::string model() const { return ""; }
  virtual std::vector<std::string> all() const { return {}; }

  // Where there are several ways to divide a line, with probabilities: the n best. Else none.
  virtual std::vector<Division> n_best(std::string_view, int) const { return {}; }

  // What alignments of these units link; without another rule, the units themselves.
  virtual Linked linked(const std::vector<std::string>& units) const;

  std::vector<std::string> split(std::string_view line) const;
  Linked linked(std::string_view line) const { return linked(split(line)); }

  // The line: the words of all surfaces, with a space between them and none at the ends. It is UTF-8 without
  // NUL.
  std::string line_of(std::span<const std::string_view> units) const;
};

// Words as they are, separated by ASCII white space.
std::shared_ptr<const Units> words();

// Grapheme clusters (graphemes.h). White space between words is one unit, kSpaceUnit.
std::shared_ptr<const Units> characters();
inline constexpr std::string_view kSpaceUnit = "<space>";  // longer than any cluster of its characters

// The name of pieces of words (sentencepiece.h), in --units.
inline constexpr char kPieces[] = "sentencepiece";

// Words or characters, by their name. Throws UsageError if there are none.
std::shared_ptr<const Units> units_of(const std::string& name);

// What messages about both sides call their units: "units" where they differ.
std::string either_plural(const Units& source, const Units& target);

// Whether `text` is a single word without white space.
bool is_one_word(std::string_view text);

}  // namespace mininmt
