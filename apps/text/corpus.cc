#include "apps/text/corpus.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {
namespace {

std::size_t count_unknown(std::span<const Id> sentence) {
  return static_cast<std::size_t>(std::count(sentence.begin(), sentence.end(), kUnk));
}

// Appends the pair to the corpus, or drops it, and counts it in the report.
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

PairReader::PairReader(const std::string& source_path, const std::string& target_path, LineOptions options,
                       std::size_t expected_lines)
    : source_(source_path, options), expected_lines_(expected_lines) {
  if (!target_path.empty()) target_.emplace(target_path, options);
}

bool PairReader::next(std::string& source, std::string& target) {
  const bool is_source = source_.next(source), is_target = target_ ? target_->next(target) : is_source;
  if (is_source && is_target) return target_ || split(source, target);
  check_end();
  return false;
}

// Cuts a line of both sides into two.
bool PairReader::split(std::string& source, std::string& target) {
  const auto tab = source.find('\t');
  if (tab == source.npos)
    throw DataError(
        join(source_.place(), ": no tab: a line has a source, a tab and a target, or there are two files"));
  if (source.find('\t', tab + 1) != source.npos)
    throw DataError(join(source_.place(), ": more than one tab: a line has a source, a tab and a target"));
  target = source.substr(tab + 1);
  source.resize(tab);
  return true;
}

void PairReader::check_end() {
  std::string rest;
  for (LineReader* reader : {&source_, target_ ? &*target_ : &source_}) {
    while (reader->next(rest)) {
    }
    if (expected_lines_ != 0 && reader->line_number() != expected_lines_)
      throw DataError(join(reader->name(), " had ", expected_lines_,
                           " lines when its words were counted and has ", reader->line_number(),
                           " now: it must stay as it is until training has begun"));
  }
  const std::size_t source_lines = source_.line_number(),
                    target_lines = target_ ? target_->line_number() : source_lines;
  if (source_lines != target_lines)
    throw DataError(join(source_.name(), " has ", source_lines, " lines and ", target_->name(), " has ",
                         target_lines, ": line n of one must be the translation of line n of the other"));
  if (source_lines != 0) return;
  if (target_)
    throw DataError(join(source_.name(), " and ", target_->name(), " are empty: there is no text in them"));
  throw DataError(join(source_.name(), " is empty: there is no text in it"));
}

PairCounts count_words(const std::string& source_path, const std::string& target_path, LineOptions options,
                       const std::shared_ptr<const Units>& source_units,
                       const std::shared_ptr<const Units>& target_units) {
  PairReader reader(source_path, target_path, options);
  PairCounts counts{WordCounts(source_units), WordCounts(target_units)};
  for (std::string source, target; reader.next(source, target);) {
    counts.source.add_line(source);
    counts.target.add_line(target);
  }
  counts.lines = reader.lines();
  return counts;
}

ParallelCorpus ParallelCorpus::read(const std::string& source_path, const std::string& target_path,
                                    const Vocab& source_vocab, const Vocab& target_vocab,
                                    std::size_t max_length, CorpusReport& report, LineOptions options,
                                    std::size_t expected_lines, const std::string& folder) {
  report = {};
  ParallelCorpus corpus(folder);
  PairReader reader(source_path, target_path, options, expected_lines);
  for (std::string source, target; reader.next(source, target);)
    add_or_drop(source_vocab.encode(source), target_vocab.encode(target), max_length, corpus, report);
  if (corpus.size() == 0) {
    throw DataError(join(source_path, target_path.empty() ? "" : ", ", target_path, ": no pair is left of ",
                         report.lines, ": ", report.empty, " have an empty side, ", report.too_long,
                         " have more than ", max_length, " ",
                         either_plural(source_vocab.units(), target_vocab.units()), " (see --max-length)"));
  }
  corpus.finish();
  return corpus;
}

ParallelCorpus::ParallelCorpus(const std::string& folder) {
  if (!folder.empty()) source_ = Sentences(folder), target_ = Sentences(folder);
}

void ParallelCorpus::finish() {
  source_.finish();
  target_.finish();
}

void ParallelCorpus::add(std::span<const Id> source, std::span<const Id> target) {
  if (source.empty() || target.empty() || source.back() != kEos || target.back() != kEos) {
    throw Error("corpus: a sentence must end in </s>");
  }
  source_.add(source);
  target_.add(target);
}

void ParallelCorpus::Sentences::add(std::span<const Id> sentence) {
  ids_.add(sentence);
  const std::uint64_t end[] = {ids_.size()};
  begins_.add(end);
}

void ParallelCorpus::Sentences::finish() {
  ids_.finish();
  begins_.finish();
}

void ParallelCorpus::Sentences::add_to(Checksum& sum) const {
  sum.add(ids_.all());
  sum.add(begins_.all());
}

std::string ParallelCorpus::checksum() const {
  Checksum sum;
  source_.add_to(sum);
  target_.add_to(sum);
  return sum.text();
}

}  // namespace mininmt
