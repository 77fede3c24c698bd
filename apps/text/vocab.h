// Units and their ids: the vocabulary of one side (MODEL.md 8). Unless said otherwise, the units are words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/units.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr std::string_view kEosWord = "</s>";
inline constexpr std::string_view kUnkWord = "<unk>";

// A map from words, with lookup by string_view.
struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
};
template <class Value>
using WordMap = std::unordered_map<std::string, Value, WordHash, std::equal_to<>>;

// A list of distinct words, or other units; a word's id is its index. The first two are always </s> and
// <unk>. The file has one word per line, so a word's line number, counted from 0, is its id.
class Vocab {
 public:
  static constexpr std::size_t kMaxWords = std::size_t{1} << 24;

  // Only </s> and <unk>.
  explicit Vocab(std::shared_ptr<const Units> units = words());

  // Reads a vocabulary file of these units. Throws IoError if it cannot be read; DataError, with file and
  // line, if the first two lines are not </s> and <unk>, a line is not one unit, a word is repeated, or there
  // are more than kMaxWords.
  static Vocab load(const std::string& path, std::shared_ptr<const Units> units = words());

  // All units that a model of units has.
  static Vocab of_all(std::shared_ptr<const Units> units);

  // Writes the file that load() reads, atomically. Throws IoError.
  void save(const std::string& path) const;

  // Gives `word` the next id; returns false if it has one already. Throws DataError if `word` is not one unit
  // (a word is not empty and has no white space) or the vocabulary already has kMaxWords.
  bool add(std::string_view word);

  // The id of a word, kUnk if it has none.
  Id id(std::string_view word) const;

  // The word of an id; the view is valid until the next add(). Throws Error if the id is out of range.
  std::string_view word(Id id) const;

  std::size_t size() const { return words_.size(); }
  const Units& units() const { return *units_; }
  const std::shared_ptr<const Units>& shared_units() const { return units_; }
  std::string checksum() const;  // of all words in their order, and of the units unless they are words

  // The ids of a line's words, and kEos. A literal </s> becomes kUnk and doesn't end the sentence.
  std::vector<Id> encode(std::string_view line) const;

  // The line of the units `ids`, up to the first kEos or the end. Throws as word() does.
  std::string decode(std::span<const Id> ids) const;

 private:
  void append(std::string_view word);

  std::shared_ptr<const Units> units_;
  std::vector<std::string> words_;  // by id
  WordMap<Id> ids_;
};

// Counts words of training text, to build a vocabulary of the most frequent.
class WordCounts {
 public:
  explicit WordCounts(std::shared_ptr<const Units> units = words()) : units_(std::move(units)) {}

  // Counts the words of a line, except literal </s> and <unk>.
  void add_line(std::string_view line);

  // Different words so far.
  std::size_t size() const { return counts_.size(); }

  // The words of other text too.
  void add(const WordCounts& other);

  // Counts the words of a file; throws as LineReader does.
  void add_file(const std::string& path, LineOptions options = {});

  // </s>, <unk>, then the words, most frequent first, ties in byte order. `limit` is the size of the
  // vocabulary with </s> and <unk>; 0 for all words. Throws UsageError if `limit` leaves no room for a word.
  Vocab vocab(std::size_t limit = 0) const;

  // Adds the words that `vocab` lacks in that order, up to `limit` words in all; 0 for all.
  void add_to(Vocab& vocab, std::size_t limit) const;

 private:
  std::shared_ptr<const Units> units_;
  WordMap<std::uint64_t> counts_;
};

}  // namespace mininmt
