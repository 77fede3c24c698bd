// mininmt-beam: translates with a trained model, or scores given translations.
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "apps/program/device.h"
#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/program/program.h"
#include "apps/program/several_models.h"
#include "apps/program/signals.h"
#include "apps/serve/serve.h"
#include "apps/text/text_scores.h"
#include "apps/text/unknown_words.h"
#include "apps/translate/alignment_figures.h"
#include "apps/translate/lexicon.h"
#include "apps/translate/n_best_list.h"
#include "apps/translate/output.h"
#include "apps/translate/pair_aligner.h"
#include "apps/translate/shortlist.h"
#include "apps/translate/target_text.h"
#include "apps/translate/totals.h"
#include "apps/translate/translator.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

// Standard output or a file; flushed after every piece; a failed write throws.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {
    if (path_ == "-") return;
    file_.open(path_, std::ios::binary);
    if (!file_) throw IoError("--output " + path_ + " can't be written: " + std::strerror(errno));
  }

  void write(const std::string& text) {
    if (path_ == "-") {
      std::cout << text;
      flush_stdout();
    } else if (!file_.write(text.data(), static_cast<std::streamsize>(text.size())).flush()) {
      throw IoError("--output " + path_ + " can't be written: " + std::strerror(errno));
    }
  }

 private:
  std::string path_;
  std::ofstream file_;
};

bool is_interactive(const BeamOptions& options) { return options.input == "-" && isatty(STDIN_FILENO) == 1; }

std::size_t lines_at_once(const BeamOptions& options) {
  return static_cast<std::size_t>(options.mini_batch) * static_cast<std::size_t>(options.maxi_batch);
}

// The next lines of the input, at most this many; none at its end. Waits for the first alone, so that one who
// sends a line and waits for the answer gets it.
std::vector<std::string> next_lines(LineReader& reader, std::size_t most) {
  std::vector<std::string> lines;
  std::string line;
  while (lines.size() < most && (lines.empty() || reader.ready()) && reader.next(line)) lines.push_back(line);
  return lines;
}

// To standard error, also with --quiet.
void write_result(const std::string& what, const std::string& text) {
  errno = 0;
  if (!(std::cerr << text << std::flush))
    throw IoError(join(what, " can't be written to standard error: ", std::strerror(errno)));
}

[[noreturn]] void refuse_line_counts(const std::string& a, std::size_t lines_a, const std::string& b,
                                     bool a_is_longer) {
  throw DataError(join(a, " and ", b, " differ in their number of lines: ", a_is_longer ? b : a,
                       " ends after line ", lines_a, "; they must match line by line"));
}

struct Pairs {
  std::vector<std::string> sources, targets;
};

// The same of two texts.
Pairs next_pairs(LineReader& sources, LineReader& targets, std::size_t most) {
  Pairs pairs;
  std::string source, target;
  const auto waits = [&] { return !sources.ready() || !targets.ready(); };
  while (pairs.sources.size() < most && (pairs.sources.empty() || !waits())) {
    const bool more = sources.next(source);
    if (targets.next(target) != more)
      refuse_line_counts(sources.name(), std::min(sources.line_number(), targets.line_number()),
                         targets.name(), more);
    if (!more) break;
    pairs.sources.push_back(source);
    pairs.targets.push_back(target);
  }
  return pairs;
}

TargetText target_text(const BeamOptions& options, const LoadedModel& loaded, LineOptions line_options) {
  TargetText text(loaded.source, loaded.target);
  if (options.replace_unk == kCopyUnknown)
    text.replace_unknown({});
  else if (!options.replace_unk.empty())
    text.replace_unknown(Lexicon(options.replace_unk, line_options));
  return text;
}

// A file with a line for each of the input, if an option names one.
class BesideInput {
 public:
  BesideInput(const std::string& path, LineOptions options) {
    if (!path.empty()) lines_.emplace(path, options);
  }

  explicit operator bool() const { return lines_.has_value(); }

  // The line for the next of the input.
  std::string next(const LineReader& input) {
    std::string line;
    if (lines_ && !lines_->next(line))
      refuse_line_counts(input.name(), lines_->line_number(), lines_->name(), true);
    return line;
  }

  void check_end(const LineReader& input) {
    std::string line;
    if (lines_ && lines_->next(line))
      refuse_line_counts(input.name(), input.line_number(), lines_->name(), false);
  }

 private:
  std::optional<LineReader> lines_;
};

std::unique_ptr<AlignmentFigures> alignment_figures(const BeamOptions& options) {
  if (options.alignment_picture.empty()) return nullptr;
  return std::make_unique<AlignmentFigures>(options.alignment_picture);
}

// The best translation's alignment, if there is one.
void draw(AlignmentFigures& figures, const InputLine& line, const std::vector<Hypothesis>& hypotheses,
          const TargetText& target) {
  if (hypotheses.empty()) return figures.add("", {}, {}, {});
  const Hypothesis& best = hypotheses[0];
  const std::vector<float> alpha = flat(best.alpha);
  const std::vector<std::string> units = target.units_of(best, line.source, line.prefix);
  figures.add(target.line_of(units), target.source_units().linked(line.source),
              target.target_units().linked(units),
              {alpha, best.alpha.size(), best.alpha.empty() ? 0 : best.alpha[0].size()});
}

void translate(const BeamOptions& options, const LoadedModel& loaded, LineOptions line_options, int threads,
               Log& log) {
  const auto shortlist = shortlist_of(options, loaded);
  const Translator translator(*loaded.model, loaded.source, loaded.target, search_options(options),
                              options.mini_batch, threads, shortlist ? &*shortlist : nullptr);
  const TargetText target = target_text(options, loaded, line_options);
  LineReader input(options.input, line_options);
  BesideInput reference(options.reference, line_options), prefix(options.prefix, line_options);
  const auto figures = alignment_figures(options);
  Output output(options.output);
  TextScores scores(loaded.target.units().are_of_raw_text());
  UnknownWords unknown;
  std::size_t number = 0;
  while (true) {
    const std::vector<std::string> lines = next_lines(input, lines_at_once(options));
    if (lines.empty()) break;
    GivenLines given{{}, number};
    while (prefix && given.prefixes.size() < lines.size()) given.prefixes.push_back(prefix.next(input));
    const auto translations = translator.translate(lines, {}, given);
    for (std::size_t i = 0; i < lines.size(); ++i, ++number) {
      unknown.add(loaded.source, lines[i]);
      const InputLine line{number, lines[i], prefix ? given.prefixes[i] : ""};
      output.write(format_output(options, line, translations[i], target));
      if (figures) draw(*figures, line, translations[i], target);
      if (!reference) continue;
      const std::string found =
          translations[i].empty()
              ? ""
              : target.line_of(target.units_of(translations[i][0], line.source, line.prefix));
      scores.add(found, reference.next(input));
    }
    if (!is_interactive(options))  // else it would be drawn where the user types
      log.set_status(join(number, number == 1 ? " line" : " lines"));
  }
  log.set_status("");
  if (unknown.are_most()) log.warning(unknown.warning(input.name(), "source"));
  prefix.check_end(input);
  reference.check_end(input);
  if (reference) write_result("BLEU", scores.report());
  if (figures) figures->save();
}

// How much of two texts a model doesn't know, warned about at the end; `owner` is whose vocabularies they
// are.
class UnknownPairs {
 public:
  explicit UnknownPairs(const LoadedModel& loaded, const std::string& owner = "")
      : loaded_(loaded), owner_(owner) {}

  void add(const std::vector<std::string>& sources, const std::vector<std::string>& targets) {
    for (const std::string& line : sources) sources_.add(loaded_.source, line);
    for (const std::string& line : targets) targets_.add(loaded_.target, line);
  }
  void warn(Log& log, const std::string& sources, const std::string& targets) const {
    if (sources_.are_most()) log.warning(sources_.warning(sources, owner_ + "source"));
    if (targets_.are_most()) log.warning(targets_.warning(targets, owner_ + "target"));
  }

 private:
  const LoadedModel& loaded_;
  std::string owner_;
  UnknownWords sources_, targets_;
};

// log p of each pair, and, if asked for, of each of its words. An ensemble has it by words alone.
struct Scores {
  std::vector<double> log_p;
  std::vector<std::vector<double>> words;
};

Scores score_pairs(const BeamOptions& options, const LoadedModel& loaded, const Pairs& pairs, int threads) {
  if (!options.word_scores && options.models.empty()) {
    auto log_p = score_lines(*loaded.model, loaded.source, loaded.target, pairs.sources, pairs.targets,
                             options.mini_batch, threads);
    return {std::move(log_p), std::vector<std::vector<double>>(pairs.sources.size())};
  }
  Scores scores;
  scores.words = score_words(*loaded.model, loaded.source, loaded.target, pairs.sources, pairs.targets,
                             options.mini_batch, threads);
  for (const auto& words : scores.words)
    scores.log_p.push_back(std::accumulate(words.begin(), words.end(), 0.0));
  return scores;
}

bool wants_alignments(const BeamOptions& options) {
  return !options.alignment.empty() || !options.alignment_reference.empty() ||
         !options.alignment_picture.empty();
}

// opposite: the model of --alignment-symmetrize, or nullptr.
void score(const BeamOptions& options, const LoadedModel& loaded, const LoadedModel* opposite,
           LineOptions line_options, int threads, Log& log) {
  LineReader sources(options.input, line_options), targets(options.score, line_options);
  std::optional<PairAligner> aligner;
  const auto figures = alignment_figures(options);
  if (wants_alignments(options))
    aligner.emplace(options, loaded, opposite, threads, line_options, figures.get());
  std::optional<LexiconCounts> lexicon;
  if (!options.write_lexicon.empty()) lexicon.emplace(options, loaded, threads);
  Output output(options.output);
  Totals totals;
  UnknownPairs unknown(loaded), unknown_to_opposite(opposite ? *opposite : loaded, "opposite model's ");
  while (true) {
    const Pairs pairs = next_pairs(sources, targets, lines_at_once(options));
    const std::vector<std::string>&source = pairs.sources, &target = pairs.targets;
    if (source.empty()) break;
    unknown.add(source, target);
    if (opposite) unknown_to_opposite.add(target, source);
    const Scores scores = score_pairs(options, loaded, pairs, threads);
    std::vector<std::string> alignments(source.size());
    if (aligner) alignments = aligner->align(source, target);
    if (lexicon) lexicon->add(source, target);
    std::string text;
    for (std::size_t i = 0; i < source.size(); ++i) {
      text += format_score(options, scores.log_p[i], alignments[i], scores.words[i]);
      totals.add(scores.log_p[i], loaded.target.encode(target[i]).size());
    }
    output.write(text);
  }
  unknown.warn(log, sources.name(), targets.name());
  if (opposite) unknown_to_opposite.warn(log, targets.name(), sources.name());
  if (!totals.empty()) log.info(totals.format(loaded.target.units().plural()));
  if (aligner) write_result("the alignment error rate", aligner->report());
  if (lexicon) lexicon->save(options.write_lexicon);
  if (figures) figures->save();
}

// An n-best list of the lines of the input, with log p as another feature.
void score_n_best(const BeamOptions& options, const LoadedModel& loaded, LineOptions line_options,
                  int threads, Log& log) {
  LineReader sources(options.input, line_options);
  NBestReader list(options.score, line_options, loaded.target);
  Output output(options.output);
  UnknownPairs unknown(loaded);
  std::string source;
  while (true) {
    std::vector<NBestEntry> entries;
    Pairs pairs;
    for (NBestEntry entry;
         entries.size() < lines_at_once(options) && (entries.empty() || list.ready()) && list.next(entry);) {
      while (sources.line_number() <= entry.number)
        if (!sources.next(source))
          throw DataError(join(list.place(), ": is for line ", entry.number,
                               " of the input, counted from 0, but ", sources.name(), " has ",
                               sources.line_number(), " lines"));
      pairs.sources.push_back(source);
      pairs.targets.push_back(entry.text);
      entries.push_back(entry);
    }
    if (entries.empty()) break;
    unknown.add(pairs.sources, pairs.targets);
    const Scores scores = score_pairs(options, loaded, pairs, threads);
    std::string text;
    for (std::size_t i = 0; i < entries.size(); ++i)
      text += entries[i].with_feature(options.n_best_feature, scores.log_p[i]) + "\n";
    output.write(text);
  }
  unknown.warn(log, sources.name(), list.name());
}

// What the options need attention for; "" if nothing.
std::string needs_attention(const BeamOptions& options) {
  if (wants_alignments(options)) return "the options of alignment";
  if (options.coverage_penalty != 0) return "--coverage-penalty";
  if (!options.write_lexicon.empty()) return "--write-lexicon";
  return options.replace_unk.empty() ? "" : "--replace-unk";
}

LoadedModel load(const BeamOptions& options, const std::vector<std::string>& folders, const Device& device,
                 std::deque<PackedWeights>& packed) {
  std::vector<LoadedModel> models = load_models(folders);
  for (const LoadedModel& loaded : models) {
    Parameters& parameters = loaded.model->parameters();
    parameters.move_to(*device.memory);
    if (device.memory->on_host()) packed.emplace_back(parameters.values().values(), device.weights);
  }
  LoadedModel loaded =
      models.size() == 1 ? std::move(models[0]) : ensemble_of(std::move(models), options.weights);
  if (const std::string what = needs_attention(options); !what.empty() && !loaded.model->attends())
    throw UsageError(join(folders[0], ": a model of type ", loaded.model->config().type,
                          " has no attention: leave out ", what));
  return loaded;
}

int beam(const BeamOptions& options) {
  Log log(options.quiet);
  const std::vector<std::string> folders =
      options.models.empty() ? std::vector<std::string>{options.model} : options.models;
  if (!options.average.empty()) {
    write_average(load_models(folders), options.weights, folders[0], options.average);
    log.info(join(options.average, ": the mean of ", folders.size(), " models"));
    return 0;
  }
  if (!options.serve.empty()) exit_at_signals();
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  const bool translates = options.score.empty();  // scores are exact, unless --precision rounds them
  const Device device = choose_device(options.device, options.precision, omp_get_max_threads(), translates);
  warm_up(device);
  const LineOptions line_options{.replace_invalid_utf8 = options.invalid_utf8 == "replace"};
  std::deque<PackedWeights> packed;
  const LoadedModel loaded = load(options, folders, device, packed);
  std::optional<LoadedModel> opposite;
  if (!options.alignment_symmetrize.empty())
    opposite = load(options, {options.alignment_symmetrize}, device, packed);
  log.info("mininmt-beam " + std::string(kVersion) + ", " + device.description);
  if (!options.serve.empty()) return serve::serve(options, loaded, device.threads, log);
  if (options.score.empty())
    translate(options, loaded, line_options, device.threads, log);
  else if (options.n_best)
    score_n_best(options, loaded, line_options, device.threads, log);
  else
    score(options, loaded, opposite ? &*opposite : nullptr, line_options, device.threads, log);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const Parsed<BeamOptions> parsed = parse_beam_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const BeamOptions& options = std::get<BeamOptions>(parsed);
  if (launched_processes() > 1)
    throw UsageError("mininmt-beam is one process, which uses all cores: start it without mpirun");
  return advise("--mini-batch, --maxi-batch, --beam-size or --cpu-threads", [&] { return beam(options); });
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-beam", argc, argv, mininmt::run); }
