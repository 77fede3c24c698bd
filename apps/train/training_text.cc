#include "apps/train/training_text.h"

#include <algorithm>
#include <array>

#include "apps/text/sentencepiece.h"
#include "apps/text/unknown_words.h"
#include "nn/families.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Both sides of a text: how many words, and what the vocabularies lack.
void report_words(const std::vector<std::string>& files, const UnknownWords& source,
                  const UnknownWords& target, Log& log) {
  log.info(join(source.words, " source ", source.units, ", ", source.percent(), " of them unknown; ",
                target.words, " target ", target.units, ", ", target.percent(), " unknown"));
  if (source.are_most()) log.warning(source.warning(files[0], "source"));
  if (target.are_most()) log.warning(target.warning(files.back(), "target"));
}

void report_corpus(const CorpusReport& r, const TrainOptions& options, const Units& source,
                   const Units& target, Log& log) {
  log.info(join(r.kept, " of ", r.lines, " pairs kept; ", r.too_long, " dropped for more than ",
                options.max_length, " ", either_plural(source, target), " on a side, ", r.empty,
                " for an empty side"));
  report_words(options.train_sets, {r.source_words, r.source_unknown, source.plural()},
               {r.target_words, r.target_unknown, target.plural()}, log);
}

// Of what pieces are made, only the characters need be counted.
std::shared_ptr<const Units> counted_units(const std::string& units) {
  return units == kPieces ? characters() : units_of(units);
}

// Empty where one file has both sides.
std::string target_file(const std::vector<std::string>& files) { return files.size() > 1 ? files[1] : ""; }

// The lines of a side of the training text; of both in turn if they have one vocabulary.
NextLine lines_of(const TrainOptions& options, std::size_t side, std::size_t expected_lines) {
  const auto reader = std::make_shared<PairReader>(options.train_sets[0], target_file(options.train_sets),
                                                   line_options(options), expected_lines);
  const bool is_one = has_one_vocabulary(options);
  return [=, sides = std::array<std::string, 2>(), next = std::size_t{2}](std::string& line) mutable {
    if (next == sides.size()) {
      if (!reader->next(sides[0], sides[1])) return false;
      next = is_one ? 0 : side;
    }
    line = sides[next];
    next = is_one ? next + 1 : sides.size();
    return true;
  };
}

// The vocabulary of a side of the training text, from the counts of its units.
Vocab new_vocab(const TrainOptions& options, std::size_t side, const WordCounts& counts, std::size_t lines) {
  const auto limit = static_cast<std::size_t>(options.dim_vocabs[side]);
  if (options.units[side] != kPieces) return counts.vocab(limit);
  const std::size_t all_lines = has_one_vocabulary(options) ? 2 * lines : lines;
  return Vocab::of_all(learn_pieces(lines_of(options, side, lines),
                                    options.train_sets[side % options.train_sets.size()],
                                    {options.sentencepiece_type, limit, all_lines, counts.size()}));
}

}  // namespace

LineOptions line_options(const TrainOptions& options) {
  return {.replace_invalid_utf8 = options.invalid_utf8 == "replace"};
}

void refuse_pipes(const TrainOptions& options) {
  for (const auto* files : {&options.train_sets, &options.valid_sets})
    for (const std::string& file : *files) refuse_pipe(file);
}

TrainingText read_training_text(const TrainOptions& options, const LoadedModel* init, Log& log) {
  const std::string source = options.train_sets[0], target = target_file(options.train_sets);
  const LineOptions lines = line_options(options);
  TrainingText text;
  std::size_t lines_counted = 0;
  if (init != nullptr) {
    text.source = init->source, text.target = init->target;
  } else if (!options.vocabs.empty()) {
    text.source = read_vocab(options.vocabs[0], options.units[0]);
    text.target = read_vocab(options.vocabs[1], options.units[1]);
  }
  if (options.vocabs.empty() && (init == nullptr || options.extend_vocabs)) {
    PairCounts counts =
        count_words(source, target, lines, counted_units(options.units[0]), counted_units(options.units[1]));
    const bool is_one = has_one_vocabulary(options);
    if (is_one) {
      counts.source.add(counts.target);
      counts.target = counts.source;
    }
    if (init != nullptr) {
      counts.source.add_to(text.source, static_cast<std::size_t>(options.dim_vocabs[0]));
      counts.target.add_to(text.target, static_cast<std::size_t>(options.dim_vocabs[1]));
    } else {
      text.source = new_vocab(options, 0, counts.source, counts.lines);
      text.target = is_one ? text.source : new_vocab(options, 1, counts.target, counts.lines);
    }
    lines_counted = counts.lines;
  }
  if (!options.vocabs.empty() && shares_vocabulary(options.config) &&
      text.source.checksum() != text.target.checksum())
    throw UsageError(join("--vocabs: this model has one vocabulary for both sides, but ", options.vocabs[0],
                          " and ", options.vocabs[1], " differ"));
  CorpusReport report;
  text.corpus = ParallelCorpus::read(source, target, text.source, text.target,
                                     static_cast<std::size_t>(options.max_length), report, lines,
                                     lines_counted, options.corpus_on_disk);
  report_corpus(report, options, text.source.units(), text.target.units(), log);
  return text;
}

ValidationText read_validation_text(const TrainOptions& options) {
  PairReader reader(options.valid_sets[0], target_file(options.valid_sets), line_options(options));
  ValidationText text;
  for (std::string source, target; reader.next(source, target);) {
    text.source.push_back(source);
    text.target.push_back(target);
  }
  if (std::all_of(text.target.begin(), text.target.end(),
                  [](const std::string& line) { return split_words(line).empty(); }))
    throw DataError(options.valid_sets.back() + ": all lines are empty: there is nothing to validate on");
  return text;
}

void report_validation_text(const TrainOptions& options, const ValidationText& valid_text,
                            const TrainingText& text, Log& log) {
  UnknownWords source, target;
  for (const std::string& line : valid_text.source) source.add(text.source, line);
  for (const std::string& line : valid_text.target) target.add(text.target, line);
  log.info(join("validation text: ", valid_text.source.size(), " pairs"));
  report_words(options.valid_sets, source, target, log);
}

}  // namespace mininmt
