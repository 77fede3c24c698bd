// mininmt-train: learns a model from parallel text.
#include <omp.h>

#include "apps/program/device.h"
#include "apps/program/model_folder.h"
#include "apps/program/program.h"
#include "apps/program/signals.h"
#include "apps/train/dry_run.h"
#include "apps/train/resume.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

// What the report tells of the text.
ReportHeader report_header(const TrainOptions& options, const TrainingText& text,
                           const ValidationText& valid_text) {
  const auto files = [](const std::vector<std::string>& sets) { return join_list(sets, ", "); };
  ReportHeader header{"Training of " + options.model, {}, !costs_are_of_words(options)};
  header.about = {{"training text", join(files(options.train_sets), ": ", text.corpus.size(), " pairs")}};
  if (!options.valid_sets.empty())
    header.about.emplace_back("validation text",
                              join(files(options.valid_sets), ": ", valid_text.source.size(), " pairs"));
  header.about.emplace_back("vocabularies", join(text.source.size(), " and ", text.target.size(), " ",
                                                 either_plural(text.source.units(), text.target.units())));
  return header;
}

int train(TrainOptions options, const TrainingFolder& folder, Log& log) {
  std::optional<Checkpoint> checkpoint = find_checkpoint(folder, options, log);
  refuse_pipes(options);
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  const Device device = choose_device(options.device, options.precision, omp_get_max_threads(), Use::kTrain);
  if (checkpoint) check_same_options(checkpoint->facts(), options, device);
  log.info(join("mininmt-train ", kVersion, ", ", device.description));
  warm_up(device);
  ValidationText valid_text;
  if (!options.valid_sets.empty()) valid_text = read_validation_text(options);
  std::optional<LoadedModel> init;
  TrainOptions reading = options;
  if (!options.init.empty() || learns_pieces(options)) {
    if (checkpoint) reading.vocabs = own_vocabs(folder, options, checkpoint->facts());
    if (reading.vocabs.empty() && !options.init.empty()) init = load_model_folder(options.init);
  }
  const TrainingText text = read_training_text(reading, init ? &*init : nullptr, log);
  if (!options.valid_sets.empty()) report_validation_text(options, valid_text, text, log);
  const Facts facts = facts_of(options, text, valid_text, device);
  if (checkpoint) check_same_text(checkpoint->facts(), facts, options);

  const std::unique_ptr<Model> model = new_model(options, text.source.size(), text.target.size());
  log.info(join(text.source.size(), " source and ", text.target.size(), " target ",
                either_plural(text.source.units(), text.target.units()), " in the vocabularies, ",
                model->parameters().count(), " parameters"));
  if (init) take_parameters(*init->model, *model);
  init.reset();
  model->parameters().move_to(*device.memory);
  std::optional<PieceSampling> sampling;
  if (options.sentencepiece_alpha > 0) sampling.emplace(options, text.source, text.target);
  if (options.dry_run) {
    if (checkpoint) log.info("the training that the folder holds would go on");
    dry_run(options, text, *model, device, log);
    return 0;
  }
  const std::string config = to_config(options);
  ReportHeader header = report_header(options, text, valid_text);
  header.about.insert(header.about.end(), {{"parameters", join(model->parameters().count())},
                                           {"device", device.description},
                                           {"mininmt", kVersion},
                                           {"options", config}});
  if (!checkpoint) log.info("options:\n" + config);
  const std::unique_ptr<Updater> updater = make_updater(*model, options, device.threads);
  Validate validate;
  if (!options.valid_sets.empty())
    validate = [validation = Validation(options, std::move(valid_text), text.source, text.target,
                                        device.threads)](const Model& trained) {
      return validation.measure(trained, [] { return signal_received() != 0; });
    };
  TrainingReport report(folder, header, log);
  if (options.tensorboard) report.write_for_tensorboard();
  Saver saver(folder, *model, text.source, text.target, config, facts, checkpoint.has_value(), log);
  Trainer trainer(*model, *updater, text.corpus, validate, saver, options, log, report);
  if (sampling) trainer.sample_pieces(*sampling);
  if (checkpoint) {
    checkpoint->restore(model->parameters(), [&](StateVisitor& visitor) { trainer.visit(visitor); });
    checkpoint.reset();
    report.go_on_after(updater->updates());
    if (!trainer.is_complete()) log.info(join("going on after update ", updater->updates()));
  }
  note_signals();
  return trainer.run();
}

int run(const std::vector<std::string>& arguments) {
  const Parsed<TrainOptions> parsed = parse_train_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const TrainOptions& options = std::get<TrainOptions>(parsed);
  exit_at_signals();
  std::vector<std::string> warnings;  // until there is a log, which may lie in the folder
  const TrainingFolder folder(
      options.model, [&](const std::string& text) { warnings.push_back(text); },
      options.dry_run ? TrainingFolder::Access::kLook : TrainingFolder::Access::kTrain);
  Log log(options.quiet, options.dry_run ? "" : options.log);
  for (const std::string& text : warnings) log.warning(text);
  try {
    return advise("--mini-batch, --max-length, --dim-vocabs, --dim-rnn or --cpu-threads",
                  [&] { return train(options, folder, log); });
  } catch (const std::exception& error) {
    log.to_file(join("error: ", error.what()));
    throw;
  }
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-train", argc, argv, mininmt::run); }
