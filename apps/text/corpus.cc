#include "apps/text/corpus.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {
namespace {

std::size_t count_unknown(std::span<const Id> sentence) {
  return static_cast<std::size_t>(std::count(sentence.begin(), sentence.end(), kUnk));
}

// Appends the pair to the corpus, or drops it; the report counts either.
void add_or_drop(std::span<const Id> source, std::span<const Id> target, std::size_t max_length,
                 ParallelCorpus& corpus, CorpusReport& report) {
  ++report.lines;
  const std::size_t source_words = source.size() - 1, target_words = target.size() - 1;
  if (source_words == 0 || target_words == 0) {
    ++report.empty;
  } else if (max_length != 0 && std::max(source_words, target_words) > max_length) {
    ++report.too_long;
  } else {
    corpus.add(source, target);
    ++report.kept;
    report.source_words += source_words;
    report.target_words += target_words;
    report.source_unknown += count_unknown(source);
    report.target_unknown += count_unknown(target);
  }
}

}  // namespace

std::size_t check_line_counts(const std::string& source_path, const std::string& target_path,
                              LineOptions options) {
  const std::size_t source_lines = count_lines(source_path, options);
  const std::size_t target_lines = count_lines(target_path, options);
  if (source_lines != target_lines) {
    throw DataError(join(source_path, " has ", source_lines, " lines and ", target_path, " has ",
                         target_lines, ": line n of one must be the translation of line n of the other"));
  }
  if (source_lines == 0)
    throw DataError(join(source_path, " and ", target_path, " are empty: there is no text in them"));
  return source_lines;
}

ParallelCorpus ParallelCorpus::read(const std::string& source_path, const std::string& target_path,
                                    const Vocab& source_vocab, const Vocab& target_vocab,
                                    std::size_t max_length, CorpusReport& report, LineOptions options) {
  const std::size_t lines = check_line_counts(source_path, target_path, options);
  report = {};
  ParallelCorpus corpus;
  LineReader source_reader(source_path, options), target_reader(target_path, options);
  std::string source_line, target_line;
  while (source_reader.next(source_line) && target_reader.next(target_line)) {
    add_or_drop(source_vocab.encode(source_line), target_vocab.encode(target_line), max_length, corpus,
                report);
  }
  if (report.lines != lines) {
    throw DataError(join(source_path, ", ", target_path, ": had ", lines, " lines when counted and ",
                         report.lines, " when read: they must be files that stay the same, not pipes"));
  }
  if (corpus.size() == 0) {
    throw DataError(join(source_path, ", ", target_path, ": no pair is left of ", lines, ": ", report.empty,
                         " have an empty side, ", report.too_long, " have more than ", max_length,
                         " words (see --max-length)"));
  }
  return corpus;
}

void ParallelCorpus::add(std::span<const Id> source, std::span<const Id> target) {
  if (source.empty() || target.empty() || source.back() != kEos || target.back() != kEos) {
    throw Error("corpus: a sentence must end in </s>");
  }
  source_.add(source);
  target_.add(target);
}

void ParallelCorpus::Sentences::add(std::span<const Id> sentence) {
  ids_.insert(ids_.end(), sentence.begin(), sentence.end());
  begins_.push_back(ids_.size());
}

}  // namespace mininmt
