#include "apps/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "apps/program/signals.h"
#include "apps/train/minibatches.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr int kMostNotFiniteInARow = 10;
constexpr int kNotFiniteAtTheEnd = 3;  // where there is no time left to recover

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Trainer::Trainer(Model& model, Updater& updater, const ParallelCorpus& corpus, Validate validate,
                 Saver& saver, const TrainOptions& options, Log& log, TrainingReport& report, Clock clock,
                 Processes& processes)
    : model_(model),
      updater_(updater),
      corpus_(corpus),
      validate_(std::move(validate)),
      saver_(saver),
      options_(options),
      log_(log),
      report_(report),
      clock_(std::move(clock)),
      processes_(processes),
      progress_(log),
      stream_(corpus, batch_options(options), static_cast<std::uint64_t>(options.seed)),
      start_(clock_()),
      schedule_({are_higher_better(options.valid_metrics), options.lr_decay, options.lr_decay_patience,
                 options.early_stopping}) {
  updater_.on_warning([&log](const std::string& text) { log.warning(text); });
}

// What is decided until the next call follows from this alone.
void Trainer::agree() {
  struct Own {
    double seconds;
    int signal;
  } const own{seconds(), signal_received()};
  std::vector<Own> all(static_cast<std::size_t>(processes_.count()));
  processes_.gather(&own, sizeof own, all.data());
  agreed_seconds_ = all[0].seconds;
  agreed_signal_ = 0;
  for (const Own& each : all) agreed_signal_ = std::max(agreed_signal_, each.signal);
}

Trainer::Mark Trainer::now() const {
  return {static_cast<std::int64_t>(stream_.epoch()), updater_.updates(), agreed_seconds_};
}

// Whether `frequency` has passed since `last`.
bool Trainer::due(const Budget& frequency, const Mark& last) const {
  const Mark now = this->now();
  return frequency.reached_by({static_cast<double>(now.epochs - last.epochs), now.updates - last.updates,
                               static_cast<std::int64_t>((now.seconds - last.seconds) / 60)});
}

bool Trainer::reached_end() const {
  const Mark now = this->now();
  return options_.after.reached_by({epochs(), now.updates, static_cast<std::int64_t>(now.seconds / 60)}) ||
         schedule_.stops();
}

double Trainer::epochs() const {
  return static_cast<double>(stream_.epoch()) +
         static_cast<double>(stream_.pairs()) / static_cast<double>(corpus_.size());
}

double Trainer::fraction_done() const {
  const Budget& after = options_.after;
  double fraction = 0;
  if (after.updates > 0)
    fraction = static_cast<double>(updater_.updates()) / static_cast<double>(after.updates);
  if (after.minutes > 0) fraction = std::max(fraction, seconds() / 60 / static_cast<double>(after.minutes));
  if (after.epochs > 0) fraction = std::max(fraction, epochs() / after.epochs);
  return std::min(fraction, 1.0);
}

int Trainer::run() {
  communicated_ = processes_.seconds();
  agree();
  if (is_complete()) {
    log_.info(join("this training is complete, after ", updater_.updates(),
                   " updates: nothing is left to do. A higher ",
                   schedule_.stops() ? "--early-stopping" : "--after", " goes on with it"));
    report_end();  // again: it may have been killed between its last save and its last line
    report_.save();
    return 0;
  }
  if (updater_.updates() > 0) saver_.go_on_from_end(updater_.updates());
  complete_ = 0;
  const int exit_code = train();
  return exit_code != 0 ? exit_code : finish();
}

// A validation that is due comes first: a training that was stopped in one resumes there.
int Trainer::train() {
  while (agreed_signal_ == 0) {
    if (validate_ && due(options_.valid_freq, validated_)) {
      or_warn([this] { save_before_validation(); });
      if (!validate()) break;
    }
    if (reached_end()) return 0;
    if (due(options_.save_freq, saved_)) or_warn([this] { save(); });
    take_update();
    agree();
    if (due(options_.disp_freq, displayed_)) display();
    progress_.update(fraction_done(),
                     join("epoch ", epoch_, "  update ", updater_.updates(), "  ", cost_text(window_)));
  }
  return stopped();
}

// What the validation at the end decides belongs to the end: a training that is resumed with a higher --after
// is as if it had never stopped here.
int Trainer::finish() {
  take_reports(true);
  if (not_finite_in_a_row_ >= kNotFiniteAtTheEnd) throw_diverged();
  if (schedule_.stops())
    log_.info(join("early stopping: ", schedule_.stalls(), " validations in a row without a better ",
                   options_.valid_metrics[0]));
  if (validate_ && validated_.updates != updater_.updates()) {
    save_before_validation();
    const Schedule schedule = schedule_;
    const Mark validated = validated_;
    const double learn_rate = updater_.learn_rate();
    at_end_ = true;
    if (!validate()) return stopped();
    schedule_ = schedule, validated_ = validated;
    updater_.set_learn_rate(learn_rate);
  }
  complete_ = 1;
  save_or_say_how();
  report_end();
  save_report();
  return 0;
}

void Trainer::report_end() {
  log_.info(join("done: ", updater_.updates(), " updates, ", words_, " target words in ",
                 format_duration(seconds()), ", ", format("%.0f", static_cast<double>(words_) / seconds()),
                 " words/s, validation and all"));
  if (not_finite_ > 0)
    log_.warning(join(not_finite_, " updates were skipped because their gradient was not finite"));
  report_.ended(updater_.updates(), schedule_.stops() ? "early stopping" : "done");
}

// By a signal.
int Trainer::stopped() {
  if (updater_.updates() == 0) {
    log_.warning(join("stopped by signal ", agreed_signal_, " before the first update"));
  } else {
    log_.warning(join("signal ", agreed_signal_, ": saving; a second one ends the program at once"));
    save_or_say_how();
    log_.warning(join("stopped by signal ", agreed_signal_,
                      "; everything is saved, and the same command goes on from here"));
  }
  return 128 + agreed_signal_;
}

void Trainer::take_update() {
  if (const std::vector<double>& halve = options_.lr_halve; !halve.empty())
    set_learn_rate(halved(options_.learn_rate, halve[0], halve[1], epochs()));
  epoch_ = stream_.epoch() + 1;
  if (sampling_) sampling_->begin_update(updater_.updates());
  std::vector<Minibatch> minibatches;
  do {  // an epoch ends with an update
    const std::span<const std::uint32_t> pairs = stream_.next();
    minibatches.push_back(sampling_ ? sampling_->minibatch(corpus_, pairs) : minibatch_of(corpus_, pairs));
  } while (static_cast<int>(minibatches.size()) < options_.update_freq && stream_.minibatch() > 0);
  updater_.start(minibatches);
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
  throw_diverged();
}

void Trainer::throw_diverged() const {
  throw Error(join("training diverged: ", not_finite_in_a_row_,
                   " gradients in a row were not finite. Try a lower --learn-rate than ",
                   updater_.learn_rate(),
                   options_.clip_norm > 0 ? " or a smaller --clip-norm" : " or --clip-norm 1",
                   "; what was saved before stays as it is"));
}

bool costs_are_of_words(const TrainOptions& options) { return options.cost_type == "ce-mean-words"; }

std::string Trainer::cost_text(const Window& window) const {
  if (window.words == 0) return "cost ?";
  if (costs_are_of_words(options_))
    return "cost " + format("%.4f", window.cost / static_cast<double>(window.words)) + " a word";
  return "cost " + format("%.3f", window.cost / static_cast<double>(window.sentences)) + " a sentence";
}

// GPUs send each other what they have while the host does something else.
bool Trainer::measures_communication() const {
  return processes_.count() > 1 && updater_.values().memory().on_host();
}

// The share of so many seconds that this process spent in messages to others, and waiting for theirs.
double Trainer::communicated(double seconds) const {
  return (processes_.seconds() - communicated_) / seconds;
}

std::string Trainer::of_communication(double seconds) const {
  if (!measures_communication()) return "";
  return "  communication " + format("%.0f", 100 * communicated(seconds)) + "%";
}

void Trainer::display() {
  take_reports(true);
  displayed_ = now();
  const double duration = seconds() - window_.since;
  const double left = seconds_left(fraction_done(), seconds());
  log_.info(
      join("epoch ", epoch_, "  update ", updater_.updates(), "  sentences ", window_.sentences, "  ",
           cost_text(window_), "  ", format("%.0f", static_cast<double>(window_.words) / duration),
           " words/s  gradient norm ",
           format("%.3f", window_.norm / static_cast<double>(std::max<std::int64_t>(window_.updates, 1))),
           of_communication(duration), "  ",
           options_.after.empty() ? "no time limit" : format_duration(left) + " left"));
  TrainingReport::Values values = {
      {"epoch", epochs()},
      {"seconds", seconds()},
      {"cost",
       window_.cost / static_cast<double>(costs_are_of_words(options_) ? window_.words : window_.sentences)},
      {"words_per_second", static_cast<double>(window_.words) / duration},
      {"gradient_norm", window_.norm / static_cast<double>(window_.updates)},
      {"learn_rate", updater_.learn_rate() * updater_.rate_factor()}};
  if (measures_communication()) values.emplace_back("communication", communicated(duration));
  report_.progress(updater_.updates(), values);
  communicated_ = processes_.seconds();
  window_ = {};
  window_.since = seconds();
}

// Returns false if a signal came meanwhile; nothing has changed then.
bool Trainer::validate() {
  take_reports(true);
  // Validation sees what would be saved; the parameters come back afterwards.
  const Tensor& values = model_.parameters().values();
  const Tensor own = values.clone();
  values.set(updater_.values());
  const double start = seconds(), communicated = processes_.seconds();
  const std::optional<ValidationScores> scores = validate_(model_);
  values.set(own);
  agree();
  if (!scores) return false;
  take_scores(*scores, seconds() - start);
  window_.since += seconds() - start;  // words/s without validation
  communicated_ += processes_.seconds() - communicated;
  validated_ = now();
  return true;
}

void Trainer::take_scores(const ValidationScores& scores, double took) {
  std::vector<double> values;
  std::string text = join("validation  epoch ", epoch_, "  update ", updater_.updates());
  const std::vector<bool> percent = are_higher_better(options_.valid_metrics);
  for (std::size_t i = 0; i < percent.size(); ++i) {
    const double score = scores.metric(options_.valid_metrics[i]);
    values.push_back(std::isfinite(scores.cross_entropy) ? score : std::nan(""));
    text += "  " + options_.valid_metrics[i] + format(percent[i] ? " %.2f" : " %.3f", score);
  }
  const bool is_best = schedule_.take(values);
  TrainingReport::Values named;
  for (std::size_t i = 0; i < values.size(); ++i) named.emplace_back(options_.valid_metrics[i], values[i]);
  report_.validation(updater_.updates(), named, is_best, scores.samples);
  save_report();
  log_.info(text + "  " + (is_best ? "new best" : join("no better ", schedule_.stalls(), " in a row")) +
            "  took " + format_duration(took));
  if (is_best) {
    unsaved_best_ = updater_.values().clone();
    if (saver_.started()) or_warn([this] { save_best(); });
  }
  for (std::size_t i = 0; options_.keep_best && i < values.size(); ++i)
    if (schedule_.improved()[i])
      or_warn([&] { saver_.save_model(best_name(options_.valid_metrics[i]), updater_.values(), at_end_); });
  set_learn_rate(schedule_.learn_rate(updater_.learn_rate()));
}

void Trainer::set_learn_rate(double rate) {
  if (rate == updater_.learn_rate()) return;
  updater_.set_learn_rate(rate);
  log_.info(join("learning rate ", rate));
}

// While training goes on, a disk that is full now may have room the next time.
void Trainer::or_warn(const std::function<void()>& save) {
  try {
    save();
  } catch (const IoError& error) {
    log_.warning(join("not saved: ", error.what(), "; training goes on"));
  }
}

// Only when the folder is this training's.
void Trainer::save_report() {
  if (saver_.started()) report_.save();
}

void Trainer::save_best() {
  if (!unsaved_best_.defined()) return;
  saver_.save_model(kModelFile, unsaved_best_, at_end_);
  unsaved_best_ = {};
}

void Trainer::save_before_validation() {
  take_reports(true);
  saved_ = now();
  const bool started = saver_.started();
  if (started) {  // first, so that what the checkpoint knows of is there
    save_best();
    report_.save();
  }
  saver_.save_checkpoint([this](StateVisitor& visitor) { visit(visitor); });
  save_best();
  if (!started) report_.save();
  saver_.save_model(kLastModel, updater_.values());
  if (options_.keep > 0) saver_.keep_last(updater_.updates(), options_.keep);
}

void Trainer::save_or_say_how() {
  try {
    save();
  } catch (const IoError& error) {
    throw IoError(join(error.what(), "; once that is mended, give the same command again"));
  }
}

// As long as no validation has judged a model, the last one is the model.
void Trainer::save() {
  save_before_validation();
  if (!schedule_.has_best() && schedule_.stalls() == 0) saver_.save_model(kModelFile, updater_.values());
}

}  // namespace mininmt
