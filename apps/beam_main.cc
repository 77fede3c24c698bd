// mininmt-beam: translates with a trained model, or scores given translations.
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>

#include "apps/program/device.h"
#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/program/program.h"
#include "apps/program/progress.h"
#include "apps/text/corpus.h"
#include "apps/text/text_scores.h"
#include "apps/text/unknown_words.h"
#include "apps/translate/output.h"
#include "apps/translate/pair_aligner.h"
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

void translate(const BeamOptions& options, const LoadedModel& loaded, LineOptions line_options, int threads,
               Log& log) {
  SearchOptions search = search_options(options.decoding);
  search.n_best = options.n_best ? search.beam_size : 1;
  search.alignment = !options.alignment.empty();
  const Translator translator(*loaded.model, loaded.source, loaded.target, search, options.mini_batch,
                              threads);
  LineReader input(options.input, line_options);
  std::optional<LineReader> reference;
  if (!options.reference.empty()) reference.emplace(options.reference, line_options);
  Output output(options.output);
  TextScores scores(loaded.target.units().are_of_raw_text());
  UnknownWords unknown;
  std::size_t number = 0;
  while (true) {
    const std::vector<std::string> lines = next_lines(input, lines_at_once(options));
    if (lines.empty()) break;
    const auto translations = translator.translate(lines);
    for (std::size_t i = 0; i < lines.size(); ++i, ++number) {
      unknown.add(loaded.source, lines[i]);
      output.write(format_output(options, number, lines[i], translations[i], loaded.source, loaded.target));
      if (!reference) continue;
      std::string line;
      if (!reference->next(line)) refuse_line_counts(input.name(), number, reference->name(), true);
      scores.add(translations[i].empty() ? "" : translator.text(translations[i][0]), line);
    }
    if (!is_interactive(options))  // else it would be drawn where the user types
      log.set_status(join(number, number == 1 ? " line" : " lines"));
  }
  log.set_status("");
  if (unknown.are_most()) log.warning(unknown.warning(input.name(), "source"));
  if (!reference) return;
  std::string line;
  if (reference->next(line)) refuse_line_counts(input.name(), number, reference->name(), false);
  write_result("BLEU", scores.report());
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

// opposite: the model of --alignment-symmetrize, or nullptr.
void score(const BeamOptions& options, const LoadedModel& loaded, const LoadedModel* opposite,
           LineOptions line_options, int threads, Log& log) {
  LineReader sources(options.input, line_options), targets(options.score, line_options);
  std::optional<PairAligner> aligner;
  if (!options.alignment.empty() || !options.alignment_reference.empty())
    aligner.emplace(options, loaded, opposite, threads, line_options);
  Output output(options.output);
  UnknownPairs unknown(loaded), unknown_to_opposite(opposite ? *opposite : loaded, "opposite model's ");
  while (true) {
    const auto [source, target] = next_pairs(sources, targets, lines_at_once(options));
    if (source.empty()) break;
    unknown.add(source, target);
    if (opposite) unknown_to_opposite.add(target, source);
    const std::vector<double> log_p =
        score_lines(*loaded.model, loaded.source, loaded.target, source, target, options.mini_batch, threads);
    std::vector<std::string> alignments(source.size());
    if (aligner) alignments = aligner->align(source, target);
    std::string text;
    for (std::size_t i = 0; i < source.size(); ++i) text += format_score(options, log_p[i], alignments[i]);
    output.write(text);
  }
  unknown.warn(log, sources.name(), targets.name());
  if (opposite) unknown_to_opposite.warn(log, targets.name(), sources.name());
  if (aligner) write_result("the alignment error rate", aligner->report());
}

LoadedModel load(const std::string& folder, const Device& device, bool aligns) {
  LoadedModel loaded = load_model_folder(folder);
  if (aligns && !loaded.model->attends())
    throw UsageError(join(folder, ": a model of type ", loaded.model->config().type,
                          " has no attention: leave out the options of alignment"));
  loaded.model->parameters().move_to(*device.memory);
  return loaded;
}

int beam(const BeamOptions& options) {
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  const Device device = choose_device(options.device, options.precision, omp_get_max_threads());
  warm_up(device);
  const LineOptions line_options{.replace_invalid_utf8 = options.invalid_utf8 == "replace"};
  const bool aligns = !options.alignment.empty() || !options.alignment_reference.empty();
  const LoadedModel loaded = load(options.model, device, aligns);
  std::optional<LoadedModel> opposite;
  if (!options.alignment_symmetrize.empty()) opposite = load(options.alignment_symmetrize, device, aligns);
  Log log(options.quiet);
  log.info("mininmt-beam " + std::string(kVersion) + ", " + device.description);
  if (options.score.empty())
    translate(options, loaded, line_options, device.threads, log);
  else
    score(options, loaded, opposite ? &*opposite : nullptr, line_options, device.threads, log);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const Parsed<BeamOptions> parsed = parse_beam_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const BeamOptions& options = std::get<BeamOptions>(parsed);
  return advise("--mini-batch, --maxi-batch, --beam-size or --cpu-threads", [&] { return beam(options); });
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-beam", argc, argv, mininmt::run); }
