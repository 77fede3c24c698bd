// Parallel text as ids, packed so that 12 million pairs fit into memory, or on disk; the text is not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/number_list.h"
#include "apps/text/vocab.h"
#include "tensor/checksum.h"
#include "tensor/types.h"

namespace mininmt {

// Reads two parallel files line by line; or one with a source, a tab and a target in each line.
class PairReader {
 public:
  // target_path: empty if the other file has both sides. expected_lines: the count of an earlier reading, 0
  // for the first. Throws what LineReader throws.
  PairReader(const std::string& source_path, const std::string& target_path, LineOptions options,
             std::size_t expected_lines = 0);

  // Reads the next line of each; false at the end of both. Throws DataError if one file ends before the
  // other, both are empty, or the number of lines is not the expected one; the message has both numbers. If a
  // line of both sides has no tab or several; the message has file and line.
  bool next(std::string& source, std::string& target);

  std::size_t lines() const { return source_.line_number(); }

 private:
  bool split(std::string& source, std::string& target);
  void check_end();

  LineReader source_;  // or of both sides
  std::optional<LineReader> target_;
  std::size_t expected_lines_;
};

// The word counts of two parallel files.
struct PairCounts {
  WordCounts source, target;
  std::size_t lines = 0;
};

// Of a side's units. Throws as PairReader does.
PairCounts count_words(const std::string& source_path, const std::string& target_path,
                       LineOptions options = {}, const std::shared_ptr<const Units>& source_units = words(),
                       const std::shared_ptr<const Units>& target_units = words());

// Statistics of reading two files. Words are those of the kept pairs, without </s>.
struct CorpusReport {
  std::size_t lines = 0;     // line pairs in the files
  std::size_t kept = 0;      // pairs in the corpus
  std::size_t empty = 0;     // dropped because a side has no words
  std::size_t too_long = 0;  // dropped because a side has more than the maximum
  std::size_t source_words = 0, target_words = 0;
  std::size_t source_unknown = 0, target_unknown = 0;  // words not in the vocabulary
};

// Pairs of sentences; each sentence is its ids and a final kEos.
class ParallelCorpus {
 public:
  ParallelCorpus() = default;

  // In temporary files in this folder, if it is not empty: read it only after finish().
  explicit ParallelCorpus(const std::string& folder);
  void finish();

  // Reads two parallel files. Drops pairs with a side that is empty or longer than `max_length` words
  // (without </s>; 0 for no limit). folder: as above. Throws as PairReader does, which gets `expected_lines`;
  // DataError if no pair is left; IoError if the folder can't be written.
  static ParallelCorpus read(const std::string& source_path, const std::string& target_path,
                             const Vocab& source_vocab, const Vocab& target_vocab, std::size_t max_length,
                             CorpusReport& report, LineOptions options = {}, std::size_t expected_lines = 0,
                             const std::string& folder = "");

  // Appends a pair; both must end in kEos.
  void add(std::span<const Id> source, std::span<const Id> target);

  std::size_t size() const { return source_.size(); }
  std::string checksum() const;  // of all ids

  // The sentences of pair i, i < size(); valid until the next add().
  std::span<const Id> source(std::size_t i) const { return source_[i]; }
  std::span<const Id> target(std::size_t i) const { return target_[i]; }

 private:
  // Sentences in one array: 4 bytes per word and 8 per sentence.
  class Sentences {
   public:
    Sentences() { begins_.add(kFirst); }
    explicit Sentences(const std::string& folder) : ids_(folder), begins_(folder) { begins_.add(kFirst); }

    void add(std::span<const Id> sentence);
    void finish();
    std::size_t size() const { return begins_.size() - 1; }
    void add_to(Checksum& sum) const;
    std::span<const Id> operator[](std::size_t i) const {
      const std::uint64_t* const begin = begins_.all().data() + i;
      return ids_.all().subspan(begin[0], begin[1] - begin[0]);
    }

   private:
    static constexpr std::uint64_t kFirst[] = {0};
    NumberList<Id> ids_;
    NumberList<std::uint64_t> begins_;  // start of each sentence, and the end of the last
  };

  Sentences source_, target_;
};

}  // namespace mininmt
