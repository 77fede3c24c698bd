// Parallel text as ids, packed so that 12 million pairs fit into memory; the text itself isn't kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/vocab.h"
#include "tensor/types.h"

namespace mininmt {

// Checks that two files have as many lines as each other, and returns how many. Throws DataError, naming both
// files and both counts, where they don't or are empty; what LineReader throws where a file can't be read.
std::size_t check_line_counts(const std::string& source_path, const std::string& target_path,
                              LineOptions options = {});

// What reading two files came to. Words are those of the pairs kept, without </s>.
struct CorpusReport {
  std::size_t lines = 0;     // pairs of lines in the files
  std::size_t kept = 0;      // pairs in the corpus
  std::size_t empty = 0;     // dropped because a side has no words
  std::size_t too_long = 0;  // dropped because a side has more than the maximum
  std::size_t source_words = 0, target_words = 0;
  std::size_t source_unknown = 0, target_unknown = 0;  // of the words, those that the vocabulary lacks
};

// Pairs of sentences; each sentence is its ids and kEos at the end.
class ParallelCorpus {
 public:
  ParallelCorpus() = default;

  // Reads two files whose lines translate each other. Pairs of which a side is empty, or longer than
  // `max_length` words
  // (</s> not counted; 0 is no limit), are dropped. Throws as check_line_counts does, which comes first;
  // DataError where a file is another when read the second time (a pipe, for one) or no pair is left.
  static ParallelCorpus read(const std::string& source_path, const std::string& target_path,
                             const Vocab& source_vocab, const Vocab& target_vocab, std::size_t max_length,
                             CorpusReport& report, LineOptions options = {});

  // Appends a pair; both must end in kEos.
  void add(std::span<const Id> source, std::span<const Id> target);

  std::size_t size() const { return source_.size(); }

  // The sentences of pair i, i < size(); valid until the next add().
  std::span<const Id> source(std::size_t i) const { return source_[i]; }
  std::span<const Id> target(std::size_t i) const { return target_[i]; }

 private:
  // Sentences one after the other in one array: 4 bytes a word and 8 a sentence.
  class Sentences {
   public:
    void add(std::span<const Id> sentence);
    std::size_t size() const { return begins_.size() - 1; }
    std::span<const Id> operator[](std::size_t i) const {
      return {ids_.data() + begins_[i], ids_.data() + begins_[i + 1]};
    }

   private:
    std::vector<Id> ids_;
    std::vector<std::uint64_t> begins_{0};  // where each sentence begins, and the end of the last
  };

  Sentences source_, target_;
};

}  // namespace mininmt
