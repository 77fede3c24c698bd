#include "apps/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "apps/program/model_folder.h"
#include "apps/program/signals.h"
#include "apps/train/minibatches.h"
#include "nn/families.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr int kMostNotFiniteInARow = 10;

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::unique_ptr<Model> new_model(const TrainOptions& options, std::size_t source_words,
                                 std::size_t target_words) {
  Config config = options.config;
  config.source_words = static_cast<int>(source_words);
  config.target_words = static_cast<int>(target_words);
  auto model = make_model(config);
  model->parameters().initialize(static_cast<std::uint64_t>(options.seed));
  return model;
}

Trainer::Trainer(Model& model, Updater& updater, const ParallelCorpus& corpus, Validate validate,
                 const TrainOptions& options, Log& log, Clock clock)
    : model_(model),
      updater_(updater),
      corpus_(corpus),
      validate_(std::move(validate)),
      options_(options),
      log_(log),
      clock_(std::move(clock)),
      progress_(log),
      stream_(corpus,
              {static_cast<std::size_t>(options.mini_batch), static_cast<std::size_t>(options.maxi_batch),
               static_cast<std::size_t>(options.mini_batch_words)},
              static_cast<std::uint64_t>(options.seed)),
      start_(clock_()),
      schedule_({is_higher_better(options.valid_metrics[0]), options.lr_decay, options.lr_decay_patience,
                 options.early_stopping}) {
  window_.since = start_;
  updater_.on_warning([&log](const std::string& text) { log.warning(text); });
}

Budget Trainer::done() const {
  return {static_cast<std::int64_t>(stream_.epoch()), updater_.updates(),
          static_cast<std::int64_t>(seconds() / 60)};
}

// Whether `frequency` has passed since `last`; if so, sets `last` to now.
bool Trainer::due(const Budget& frequency, Budget& last) const {
  const Budget now = done();
  if (!frequency.reached_by(
          {now.epochs - last.epochs, now.updates - last.updates, now.minutes - last.minutes}))
    return false;
  last = now;
  return true;
}

double Trainer::fraction_done() const {
  const Budget& after = options_.after;
  double fraction = 0;
  if (after.updates > 0)
    fraction = static_cast<double>(updater_.updates()) / static_cast<double>(after.updates);
  if (after.minutes > 0) fraction = std::max(fraction, seconds() / 60 / static_cast<double>(after.minutes));
  if (after.epochs > 0) {
    const double epochs = static_cast<double>(stream_.epoch()) +
                          static_cast<double>(stream_.pairs()) / static_cast<double>(corpus_.size());
    fraction = std::max(fraction, epochs / static_cast<double>(after.epochs));
  }
  return std::min(fraction, 1.0);
}

int Trainer::run() {
  while (!finished()) {
    take_update();
    if (due(options_.disp_freq, displayed_)) display();
    progress_.update(fraction_done(),
                     join("epoch ", epoch_, "  update ", updater_.updates(), "  ", cost_text(window_)));
    if (validate_ && due(options_.valid_freq, validated_)) validate();
    if (due(options_.save_freq, saved_)) save_last();
  }
  take_reports(true);
  if (validate_ && signal_received() == 0 && validated_.updates != updater_.updates()) validate();
  if (updater_.updates() > 0) save_last();
  const double duration = seconds();
  log_.info(join("done: ", updater_.updates(), " updates, ", words_, " target words in ",
                 format_duration(duration), ", ", format("%.0f", static_cast<double>(words_) / duration),
                 " words/s, validation and all"));
  if (not_finite_ > 0)
    log_.warning(join(not_finite_, " updates were skipped because their gradient was not finite"));
  if (signal_received() == 0) return 0;
  log_.warning(join("stopped by signal ", signal_received(),
                    updater_.updates() > 0 ? "; the model as it was is saved" : " before the first update"));
  return 128 + signal_received();
}

bool Trainer::finished() {
  if (signal_received() != 0 || options_.after.reached_by(done())) return true;
  if (!schedule_.stops()) return false;
  log_.info(join("early stopping: ", schedule_.stalls(), " validations in a row without a better ",
                 options_.valid_metrics[0]));
  return true;
}

void Trainer::take_update() {
  epoch_ = stream_.epoch() + 1;
  updater_.start(minibatch_of(corpus_, stream_.next()));
  take_reports(false);
}

// Collects reports of finished updates; with `wait`, of all started ones.
void Trainer::take_reports(bool wait) {
  for (const UpdateReport& report : updater_.reports(wait)) take_report(report);
}

void Trainer::take_report(const UpdateReport& report) {
  check_finite(report);
  words_ += report.words;
  if (!report.applied) return;
  window_.cost += report.cost;
  window_.norm += report.gradient_norm;
  window_.sentences += report.sentences;
  window_.words += report.words;
  ++window_.updates;
}

void Trainer::check_finite(const UpdateReport& report) {
  not_finite_in_a_row_ = report.applied ? 0 : not_finite_in_a_row_ + 1;
  if (report.applied) return;
  ++not_finite_;
  log_.warning(join("update ", report.update, ": the gradient is not finite; the update is skipped"));
  if (not_finite_in_a_row_ < kMostNotFiniteInARow) return;
  throw Error(join("training diverged: ", not_finite_in_a_row_,
                   " gradients in a row were not finite. Try a lower ", "--learn-rate than ",
                   updater_.learn_rate(),
                   options_.clip_norm > 0 ? " or a smaller --clip-norm" : " or --clip-norm 1",
                   "; what was saved before stays as it is"));
}

std::string Trainer::cost_text(const Window& window) const {
  if (window.words == 0) return "cost ?";
  if (options_.cost_type == "ce-mean-words")
    return "cost " + format("%.4f", window.cost / static_cast<double>(window.words)) + " a word";
  return "cost " + format("%.3f", window.cost / static_cast<double>(window.sentences)) + " a sentence";
}

void Trainer::display() {
  take_reports(true);
  const double duration = clock_() - window_.since;
  const double left = seconds_left(fraction_done(), seconds());
  log_.info(
      join("epoch ", epoch_, "  update ", updater_.updates(), "  sentences ", window_.sentences, "  ",
           cost_text(window_), "  ", format("%.0f", static_cast<double>(window_.words) / duration),
           " words/s  gradient norm ",
           format("%.3f", window_.norm / static_cast<double>(std::max<std::int64_t>(window_.updates, 1))),
           "  ", options_.after.empty() ? "no time limit" : format_duration(left) + " left"));
  window_ = {};
  window_.since = clock_();
}

void Trainer::validate() {
  take_reports(true);
  // Validation uses the values that would be saved; the parameters are restored afterwards.
  const Tensor& values = model_.parameters().values();
  const Tensor own = values.clone();
  values.set(updater_.values());
  const double start = clock_();
  const ValidationScores scores = validate_(model_);
  values.set(own);

  const std::string& metric = options_.valid_metrics[0];
  const bool is_best =
      schedule_.take(std::isfinite(scores.cross_entropy) ? scores.metric(metric) : std::nan(""));
  std::string text = join("validation  epoch ", epoch_, "  update ", updater_.updates());
  for (const std::string& name : options_.valid_metrics)
    text += "  " + name + format(name == "bleu" ? " %.2f" : " %.3f", scores.metric(name));
  log_.info(text + "  " + (is_best ? "new best" : join("no better ", schedule_.stalls(), " in a row")) +
            "  took " + format_duration(clock_() - start));
  if (is_best) save(kModelFile);
  const double rate = schedule_.learn_rate(updater_.learn_rate());
  if (rate != updater_.learn_rate()) {
    updater_.set_learn_rate(rate);
    log_.info(join("learning rate ", rate));
  }
  window_.since += clock_() - start;  // words/s without validation
}

// Without validation there is no best model: the last one is the model, unless validation failed.
void Trainer::save_last() {
  take_reports(true);
  save(kLastModel);
  if (!schedule_.has_best() && schedule_.stalls() == 0) save(kModelFile);
}

void Trainer::save(const char* name) {
  save_model((std::filesystem::path(options_.model) / name).string(), model_, updater_.values());
}

}  // namespace mininmt
