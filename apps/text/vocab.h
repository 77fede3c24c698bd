// Words and their ids: the vocabulary of one side (MODEL.md 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/text/lines.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr std::string_view kEosWord = "</s>";
inline constexpr std::string_view kUnkWord = "<unk>";

// Something for each of a set of words, found by a view of the word.
struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
};
template <class Value>
using WordMap = std::unordered_map<std::string, Value, WordHash, std::equal_to<>>;

// A list of words without duplicates; a word's id is its place in it. The first two are always </s> and
// <unk>. The file has one word a line, so that a word's line number, counted from 0, is its id.
class Vocab {
 public:
  static constexpr std::size_t kMaxWords = std::size_t{1} << 24;

  // </s> and <unk> alone.
  Vocab();

  // Reads a vocabulary file. Throws IoError where it can't be read; DataError, with file and line, where the
  // first two lines aren't </s> and <unk>, a line isn't one word, a word stands twice, or there are more than
  // kMaxWords.
  static Vocab load(const std::string& path);

  // Writes the file that load() reads, atomically. Throws IoError.
  void save(const std::string& path) const;

  // Gives `word` the next id; false, and nothing changes, if it has one. Throws DataError where `word` isn't
  // one word (it is empty, or has white space in it) or the vocabulary has kMaxWords already.
  bool add(std::string_view word);

  // The id of a word, kUnk if it has none.
  Id id(std::string_view word) const;

  // The word of an id; the view is valid until the next add(). Throws Error where the id isn't one of this
  // vocabulary.
  std::string_view word(Id id) const;

  std::size_t size() const { return words_.size(); }

  // The ids of the words of a line, and kEos. A literal </s> in the line becomes kUnk: it doesn't end the
  // sentence.
  std::vector<Id> encode(std::string_view line) const;

  // The words of `ids` joined by spaces, up to the first kEos or the end. Throws as word() does.
  std::string decode(std::span<const Id> ids) const;

 private:
  std::vector<std::string> words_;  // by id
  WordMap<Id> ids_;
};

// Counts the words of training text, to make a vocabulary of the most frequent.
class WordCounts {
 public:
  // Counts the words of a line; a literal </s> or <unk> is passed over.
  void add_line(std::string_view line);

  // Counts the words of all lines of a file; throws as LineReader does.
  void add_file(const std::string& path, LineOptions options = {});

  // </s>, <unk>, then the words, most frequent first, ties in the order of their bytes. `limit` is the size
  // of the vocabulary with </s> and <unk>; 0 takes all words. Throws UsageError if `limit` leaves no room for
  // a word.
  Vocab vocab(std::size_t limit = 0) const;

 private:
  WordMap<std::uint64_t> counts_;
};

}  // namespace mininmt
