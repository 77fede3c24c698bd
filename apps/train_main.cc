// mininmt-train: learns a model from parallel text.
#include <omp.h>

#include <algorithm>

#include "apps/program/device.h"
#include "apps/program/model_folder.h"
#include "apps/program/mpi.h"
#include "apps/program/program.h"
#include "apps/program/signals.h"
#include "apps/train/dry_run.h"
#include "apps/train/new_model.h"
#include "apps/train/resume.h"
#include "apps/train/shared_state.h"
#include "apps/train/trainer.h"
#include "cuda/device.h"
#include "cuda/kernels.h"
#include "ops/bf16_products.h"
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

// Where an update has fewer parts than there are threads.
void warn_of_idle_threads(const TrainOptions& options, int threads, Log& log) {
  const int most = options.mini_batch_words > 0
                       ? options.parts
                       : std::clamp(options.mini_batch / kLeastOfPart, 1, options.parts);
  const int busy = most * options.update_freq;
  if (busy < threads)
    log.warning(join(threads - busy, " of ", threads,
                     " threads will have nothing to do: an update has at most ", busy,
                     busy == 1 ? " part, of " : " parts, of ", kLeastOfPart, " sentences or more (--parts ",
                     options.parts, ", --mini-batch, --update-freq)"));
}

// The device of this process, and the parts of a minibatch, the same for all.
Device choose_device_and_parts(TrainOptions& options, Processes& processes, Log& log) {
  if (options.cpu_threads > 0) omp_set_num_threads(options.cpu_threads);
  if constexpr (kHasCuda) cuda::choose_device_of(processes.rank_here());
  const std::vector<double> without_bf16 = processes.gather(why_no_bf16().empty() ? 0.0 : 1.0);
  const bool all_have_bf16 = std::find(without_bf16.begin(), without_bf16.end(), 1.0) == without_bf16.end();
  const Device device =
      choose_device(options.device, options.precision, omp_get_max_threads(), all_have_bf16);
  const bool on_cpu = device.memory->on_host();
  options.bf16 = device.weights == WeightFormat::kBf16;
  if (on_cpu && options.precision == "auto") options.precision = device.products;
  std::string gpu;
  if constexpr (kHasCuda)
    if (!on_cpu) gpu = cuda::device_id();
  check_devices(processes, gpu);
  if (!on_cpu && options.parts > 1) throw UsageError("--parts is for the CPU: leave it out");
  int threads = 0;
  for (const double own : processes.gather(static_cast<double>(device.threads)))
    threads += static_cast<int>(own);
  if (options.parts == 0 && on_cpu) options.parts = std::min(threads, kMostParts);
  const bool together = processes.count() > 1;
  log.info(join("mininmt-train ", kVersion, ", ",
                !together ? device.description
                : on_cpu  ? join("CPU, ", processes.count(), " processes, ", threads, " threads in all",
                                options.bf16 ? ", products in bf16" : "")
                          : join(device.description, ", ", processes.count(), " processes, a GPU each")));
  if (together && on_cpu) warn_of_idle_threads(options, threads, log);
  return device;
}

int train(TrainOptions options, const TrainingFolder& folder, Processes& processes, Log& log) {
  std::optional<Checkpoint> checkpoint;
  if (processes.is_first()) checkpoint = find_checkpoint(folder, options, log);
  share_choices(processes, options);
  refuse_pipes(options);
  const Device device = choose_device_and_parts(options, processes, log);
  if (checkpoint) check_same_options(checkpoint->facts(), options, device);
  warm_up(device);
  ValidationText valid_text;
  if (!options.valid_sets.empty()) valid_text = read_validation_text(options);
  std::optional<LoadedModel> init;
  TrainOptions reading = options;
  if (checkpoint && (!options.init.empty() || learns_pieces(options)))
    reading.vocabs = own_vocabs(folder, options, checkpoint->facts());
  share_vocabs(processes, reading);
  if (reading.vocabs.empty() && !options.init.empty()) init = load_model_folder(options.init);
  const TrainingText text = read_training_text(reading, init ? &*init : nullptr, log);
  if (!options.valid_sets.empty()) report_validation_text(options, valid_text, text, log);
  const Facts facts = facts_of(options, text, valid_text, device);
  if (checkpoint) check_same_text(checkpoint->facts(), facts, options);
  check_same_in_all(processes, facts, options);

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
    dry_run(options, text, *model, device, processes, log);
    return 0;
  }
  const std::string config = to_config(options);
  ReportHeader header = report_header(options, text, valid_text);
  header.about.insert(header.about.end(), {{"parameters", join(model->parameters().count())},
                                           {"device", device.description},
                                           {"mininmt", kVersion},
                                           {"options", config}});
  if (!checkpoint) log.info("options:\n" + config);
  const std::unique_ptr<Updater> updater = make_updater(*model, options, device.threads, processes);
  Validate validate;
  if (!options.valid_sets.empty())
    validate = [validation =
                    Validation(options, std::move(valid_text), text.source, text.target, device.threads),
                &processes](const Model& trained) {
      return validation.measure(
          trained, [] { return signal_received() != 0; }, processes);
    };
  TrainingReport report(folder, header, log);
  if (options.tensorboard) report.write_for_tensorboard();
  Saver saver(folder, *model, text.source, text.target, config, facts, checkpoint.has_value(), log);
  if (!processes.is_first()) {
    saver.leave_writing();
    report.leave_writing();
  }
  Trainer trainer(*model, *updater, text.corpus, validate, saver, options, log, report, steady_seconds,
                  processes);
  if (sampling) trainer.sample_pieces(*sampling);
  if (checkpoint) {
    checkpoint->restore(model->parameters(), [&](StateVisitor& visitor) { trainer.visit(visitor); });
    checkpoint.reset();
    report.go_on_after(updater->updates());
    if (!trainer.is_complete()) log.info(join("going on after update ", updater->updates()));
  }
  share_state(processes, [&](StateVisitor& visitor) { trainer.visit(visitor); });
  note_signals();
  return trainer.run();
}

int run(const std::vector<std::string>& arguments, Processes& processes) {
  const Parsed<TrainOptions> parsed = parse_train_options(arguments);
  if (const Reply* reply = std::get_if<Reply>(&parsed))
    return processes.is_first() ? print_reply(*reply) : reply->exit_code;
  const TrainOptions& options = std::get<TrainOptions>(parsed);
  std::vector<std::string> warnings;  // until there is a log, which may lie in the folder
  const TrainingFolder folder(
      options.model, [&](const std::string& text) { warnings.push_back(text); },
      !processes.is_first() ? TrainingFolder::Access::kLeave
      : options.dry_run     ? TrainingFolder::Access::kLook
                            : TrainingFolder::Access::kTrain);
  std::optional<Log> own_log;
  if (processes.is_first())
    own_log.emplace(options.quiet, options.dry_run ? "" : options.log);
  else
    own_log.emplace(Log::Mute());
  Log& log = *own_log;
  for (const std::string& text : warnings) log.warning(text);
  try {
    return advise("--mini-batch, --max-length, --dim-vocabs, --dim-rnn or --cpu-threads",
                  [&] { return train(options, folder, processes, log); });
  } catch (const std::exception& error) {
    log.to_file(join("error: ", error.what()));
    throw;
  }
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) {
  std::unique_ptr<mininmt::Processes> processes;  // longer than the message of a failure
  return mininmt::run_program("mininmt-train", argc, argv, [&](const std::vector<std::string>& arguments) {
    mininmt::exit_at_signals();
    processes = mininmt::join_processes(arguments);
    return mininmt::run(arguments, *processes);
  });
}
