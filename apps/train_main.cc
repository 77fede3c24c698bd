// mininmt-train: learns a model from parallel text.
#include <omp.h>

#include <cstdio>

#include "apps/program/device.h"
#include "apps/program/model_folder.h"
#include "apps/program/program.h"
#include "apps/program/signals.h"
#include "tensor/version.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Vocabs {
  Vocab source, target;
};

Vocab count_words(const std::string& path, int limit, LineOptions lines) {
  WordCounts counts;
  counts.add_file(path, lines);
  return counts.vocab(static_cast<std::size_t>(limit));
}

Vocabs make_vocabs(const TrainOptions& options, LineOptions lines) {
  if (!options.vocabs.empty()) return {Vocab::load(options.vocabs[0]), Vocab::load(options.vocabs[1])};
  return {count_words(options.train_sets[0], options.dim_vocabs[0], lines),
          count_words(options.train_sets[1], options.dim_vocabs[1], lines)};
}

std::string percent(std::size_t part, std::size_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%",
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

void report_corpus(const CorpusReport& r, const TrainOptions& options, Log& log) {
  log.info(join(r.kept, " of ", r.lines, " pairs kept; ", r.too_long, " dropped for more than ",
                options.max_length, " words on a side, ", r.empty, " for an empty side"));
  log.info(join(r.source_words, " source words, ", percent(r.source_unknown, r.source_words),
                " of them unknown; ", r.target_words, " target words, ",
                percent(r.target_unknown, r.target_words), " unknown"));
}

int train(const std::vector<std::string>& arguments) {
  const Parsed<TrainOptions> parsed = parse_train_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const TrainOptions& options = std::get<TrainOptions>(parsed);
  check_model_folder(options);
  note_signals();
  const LineOptions lines{.replace_invalid_utf8 = options.invalid_utf8 == "replace"};
  check_line_counts(options.train_sets[0], options.train_sets[1], lines);
  if (!options.valid_sets.empty()) check_line_counts(options.valid_sets[0], options.valid_sets[1], lines);
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  const Device device = choose_device(options.device, options.precision, omp_get_max_threads());

  Log log(options.quiet, options.log);
  log.info(join("mininmt-train ", kVersion, ", ", device.description));
  const Vocabs vocabs = make_vocabs(options, lines);
  CorpusReport report;
  const ParallelCorpus corpus =
      ParallelCorpus::read(options.train_sets[0], options.train_sets[1], vocabs.source, vocabs.target,
                           static_cast<std::size_t>(options.max_length), report, lines);
  report_corpus(report, options, log);
  std::unique_ptr<Validation> validation;
  if (!options.valid_sets.empty())
    validation = std::make_unique<Validation>(options, vocabs.source, vocabs.target, device.threads);

  const std::unique_ptr<Model> model = new_model(options, vocabs.source.size(), vocabs.target.size());
  log.info(join(vocabs.source.size(), " source and ", vocabs.target.size(),
                " target words in the vocabularies, ", model->parameters().count(), " parameters"));
  if (signal_received() != 0) return 128 + signal_received();  // before an old model is replaced
  const std::string config = to_config(options);
  log.info("options:\n" + config);
  model->parameters().move_to(*device.memory);
  start_model_folder(options.model, vocabs.source, vocabs.target, config);
  const std::unique_ptr<Updater> updater = make_updater(*model, options, device.threads);
  Validate validate;
  if (validation) validate = [&](const Model& trained) { return validation->measure(trained); };
  return Trainer(*model, *updater, corpus, validate, options, log).run();
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-train", argc, argv, mininmt::train); }
