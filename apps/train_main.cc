// mininmt-train: learns a model from parallel text.
#include <omp.h>

#include "apps/program/device.h"
#include "apps/program/model_folder.h"
#include "apps/program/program.h"
#include "apps/program/signals.h"
#include "tensor/version.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

int train(const std::vector<std::string>& arguments) {
  const Parsed<TrainOptions> parsed = parse_train_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed)) return print_reply(*reply);
  const TrainOptions& options = std::get<TrainOptions>(parsed);
  check_model_folder(options);
  note_signals();
  refuse_pipes(options);
  ValidationText valid_text;
  if (!options.valid_sets.empty()) valid_text = read_validation_text(options);
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  const Device device = choose_device(options.device, options.precision, omp_get_max_threads());

  Log log(options.quiet, options.log);
  log.info(join("mininmt-train ", kVersion, ", ", device.description));
  const TrainingText text = read_training_text(options, log);

  const std::unique_ptr<Model> model = new_model(options, text.source.size(), text.target.size());
  log.info(join(text.source.size(), " source and ", text.target.size(), " target words in the vocabularies, ",
                model->parameters().count(), " parameters"));
  if (signal_received() != 0) return 128 + signal_received();  // before an old model is replaced
  const std::string config = to_config(options);
  log.info("options:\n" + config);
  model->parameters().move_to(*device.memory);
  start_model_folder(options.model, text.source, text.target, config);
  const std::unique_ptr<Updater> updater = make_updater(*model, options, device.threads);
  Validate validate;
  if (!options.valid_sets.empty())
    validate = [validation =
                    Validation(options, std::move(valid_text), text.source, text.target, device.threads)](
                   const Model& trained) { return validation.measure(trained); };
  return Trainer(*model, *updater, text.corpus, validate, options, log).run();
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) { return mininmt::run_program("mininmt-train", argc, argv, mininmt::train); }
