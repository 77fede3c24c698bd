// What a training run decides and when, with simulated updates, clock and validation.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "apps/train/new_model.h"
#include "apps/program/model_folder.h"
#include "nn/model_file.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/train_corpus.h"

namespace mininmt {
namespace {

using Numbers = std::vector<double>;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// After update u every parameter is u, so a saved model shows when it was saved.
class MadeUpUpdater final : public Updater {
 public:
  MadeUpUpdater(Model& model, const Recipe& recipe) : Updater(model, recipe) {}

  std::function<void()> at_start;
  std::set<std::int64_t> skipped;

  void begin(std::span<const Minibatch> minibatches) override {
    at_start();
    UpdateReport report = counts(minibatches);
    report.applied = skipped.count(report.update) == 0;
    report.cost = report.applied ? 1 : std::numeric_limits<double>::quiet_NaN();
    reports_.push_back(report);
    model_.parameters().values().fill(static_cast<real>(++updates_));
  }
  std::vector<UpdateReport> reports(bool) override { return std::exchange(reports_, {}); }

 private:
  std::vector<UpdateReport> reports_;
};

// A run over 16 pairs, 2 updates per epoch.
struct Run {
  TemporaryFolder folder;
  TrainOptions options = plain_options();
  double seconds_an_update = 0, seconds_a_validation = 0;
  std::set<std::int64_t> skipped;
  std::vector<ValidationScores>
      scores;  // of each validation, the last for all that follow; none: no validation

  // The history: before each update, the learning rate and the update in last.safetensors (0: none), and the
  // updates followed by a validation.
  Numbers rates, saved, validated;
  std::string log;

  Run() {
    options.model = folder.path("model");
    options.learn_rate = 1;
    options.early_stopping = 0;
    options.disp_freq = options.save_freq = {};
    options.valid_freq = {.updates = 1};
    options.valid_metrics = {"cross-entropy"};
  }

  // The update a saved model is from; 0 if there is none.
  double update_of(const char* file) const {
    const std::string path = folder.path(std::string("model/") + file);
    return std::filesystem::exists(path) ? load_model(path)->parameters().values().data()[0] : 0;
  }

  void train() {
    const auto model = new_model(options, 9, 11);
    const TrainingFolder training_folder(options.model, [](const std::string&) {});
    const Vocab vocab;
    Log messages(true, folder.path("log"));
    Saver saver(training_folder, *model, vocab, vocab, "", {}, false, messages);
    const ParallelCorpus corpus = random_corpus(16);
    MadeUpUpdater updater(*model, options);
    double now = 1e6;
    updater.skipped = skipped;
    updater.at_start = [&] {
      rates.push_back(updater.learn_rate());
      saved.push_back(update_of(kLastModel));
      now += seconds_an_update;
    };
    Validate validate;
    if (!scores.empty())
      validate = [&](const auto&) {
        validated.push_back(static_cast<double>(updater.updates()));
        now += seconds_a_validation;
        return scores[std::min(validated.size(), scores.size()) - 1];
      };
    TrainingReport report(training_folder, {}, messages);
    Trainer trainer(*model, updater, corpus, validate, saver, options, messages, report, [&] { return now; });
    const int exit_code = trainer.run();
    CHECK(exit_code == 0);
    log = read_whole(folder.path("log"));
  }
  std::size_t updates() const { return rates.size(); }
};

std::vector<ValidationScores> cross_entropies(const Numbers& values) {
  std::vector<ValidationScores> scores;
  for (double value : values) scores.push_back({.cross_entropy = value});
  return scores;
}

std::size_t updates_after(const Budget& after, double seconds_an_update) {
  Run run;
  run.options.after = after;
  run.seconds_an_update = seconds_an_update;
  run.train();
  return run.updates();
}

}  // namespace

TEST_CASE("training ends as soon as its epochs, updates or minutes are reached, not before") {
  CHECK(updates_after({.updates = 5}, 0) == 5);
  CHECK(updates_after({.epochs = 3}, 0) == 6);
  CHECK(updates_after({.minutes = 2}, 30) == 4);
  CHECK(updates_after({.minutes = 2}, 29) == 5);
  CHECK(updates_after({.epochs = 3, .updates = 100, .minutes = 1}, 20) == 3);
  CHECK(updates_after({.epochs = 3, .updates = 100, .minutes = 3}, 20) == 6);
}

TEST_CASE("parts of epochs: when training ends, and when the learning rate is halved") {
  CHECK(updates_after({.epochs = 2.5}, 0) == 5);
  CHECK(updates_after({.epochs = 2.25}, 0) == 5);
  Run run;
  run.options.learn_rate = 8;
  run.options.lr_decay = 0;
  run.options.lr_halve = {1, 0.5};
  run.options.after = {.epochs = 2.5};
  run.train();
  CHECK(run.rates == Numbers{8, 8, 4, 2, 1});
}

TEST_CASE("validation comes exactly as often as asked, and once at the end") {
  const std::pair<Budget, Numbers> cases[] = {{{.updates = 3}, {3, 6, 9, 10}},
                                              {{.updates = 5}, {5, 10}},
                                              {{.epochs = 2}, {4, 8, 10}},
                                              {{.minutes = 1}, {3, 6, 9, 10}},  // at 20 seconds an update
                                              {{}, {10}}};
  for (const auto& [frequency, expected] : cases) {
    Run run;
    run.options.after = {.updates = 10};
    run.options.valid_freq = frequency;
    run.seconds_an_update = 20;
    run.scores = cross_entropies({5});
    run.train();
    CHECK(run.validated == expected);
  }
}

TEST_CASE("the last model is saved exactly as often as asked, and at the end") {
  Run run;
  run.options.after = {.updates = 10};
  run.options.save_freq = {.updates = 4};
  run.train();
  CHECK(run.saved == Numbers{0, 0, 0, 0, 4, 4, 4, 4, 8, 8});
  CHECK(run.update_of(kLastModel) == 10);
  CHECK(run.update_of(kModelFile) == 10);  // without validation the last counts as best

  Run by_minutes;
  by_minutes.options.after = {.updates = 5};
  by_minutes.options.save_freq = {.minutes = 1};
  by_minutes.seconds_an_update = 30;
  by_minutes.train();
  CHECK(by_minutes.saved == Numbers{0, 0, 2, 2, 4});
}

TEST_CASE("the first metric picks the best model") {
  for (const bool by_bleu : {true, false}) {
    Run run;
    run.options.after = {.updates = 3};
    run.scores = {
        {.cross_entropy = 5, .bleu = 10}, {.cross_entropy = 6, .bleu = 30}, {.cross_entropy = 4, .bleu = 20}};
    run.options.valid_metrics = {"bleu", "cross-entropy"};
    if (!by_bleu) std::swap(run.options.valid_metrics[0], run.options.valid_metrics[1]);
    run.train();
    CHECK(run.update_of(kModelFile) == (by_bleu ? 2 : 3));
    CHECK(run.update_of(kLastModel) == 3);
  }
}

TEST_CASE("the best model by each metric, and those of the last saves, are kept on request") {
  Run run;
  run.options.after = {.updates = 5};
  run.options.save_freq = {.updates = 1};
  run.options.valid_metrics = {"bleu", "cross-entropy"};
  run.scores = {{.cross_entropy = 5, .bleu = 10},
                {.cross_entropy = 6, .bleu = 30},
                {.cross_entropy = 4, .bleu = 20},
                {.cross_entropy = 7, .bleu = 1}};
  run.train();
  for (const char* name :
       {"best-bleu.safetensors", "best-cross-entropy.safetensors", "last-00000005.safetensors"})
    CHECK_FALSE(std::filesystem::exists(run.folder.path(std::string("model/") + name)));
  const std::string mine = run.folder.write("model/last-mine.safetensors", "x");  // a name that no save gives
  run.options.keep_best = true;
  run.options.keep = 2;
  run.validated.clear();
  run.train();
  CHECK(run.update_of(kModelFile) == 2);
  CHECK(run.update_of("best-bleu.safetensors") == 2);
  CHECK(run.update_of("best-cross-entropy.safetensors") == 3);
  CHECK(run.update_of("last-00000003.safetensors") == 0);
  CHECK(run.update_of("last-00000004.safetensors") == 4);
  CHECK(run.update_of("last-00000005.safetensors") == 5);
  CHECK(read_whole(mine) == "x");
}

TEST_CASE("an old model stays while no checkpoint of the new training can be written") {
  Run run;
  run.options.after = {.updates = 3};
  run.options.keep_best = true;
  run.scores = cross_entropies({5, 4, 3});
  run.train();
  const std::string best = "model/best-cross-entropy.safetensors", before = read_whole(run.folder.path(best));
  std::filesystem::remove(run.folder.path("model/checkpoint.safetensors"));
  std::filesystem::create_directory(run.folder.path("model/checkpoint.safetensors"));  // so it can't be
  run.options.after = {.updates = 2};
  run.rates.clear(), run.validated.clear();
  CHECK_THROWS_AS(run.train(), IoError);
  CHECK(run.updates() == 2);  // training itself went on to its end
  CHECK(run.update_of(kModelFile) == 3);
  CHECK(run.update_of(kLastModel) == 3);
  CHECK(read_whole(run.folder.path(best)) == before);
}

TEST_CASE("a validation that takes longer than --valid-freq is followed by a whole time of training") {
  Run run;
  run.options.after = {.updates = 12};
  run.options.valid_freq = {.minutes = 1};
  run.seconds_an_update = 20;
  run.seconds_a_validation = 100;
  run.scores = cross_entropies({5});
  run.train();
  CHECK(run.validated == Numbers{3, 6, 9, 12});
}

TEST_CASE("a validation that is not finite is never the best") {
  Run run;
  run.options.after = {.updates = 3};
  run.options.valid_metrics = {"bleu"};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  run.scores = {{.cross_entropy = nan, .bleu = 50},
                {.cross_entropy = 5, .bleu = 10},
                {.cross_entropy = nan, .bleu = 60}};
  run.train();
  CHECK(run.update_of(kModelFile) == 2);
}

TEST_CASE("early stopping counts validations in a row without a new best") {
  Run run;
  run.options.after = {.updates = 100};
  run.options.early_stopping = 3;
  run.scores = cross_entropies({5, 6, 6, 4, 4, 5, 6, 1});
  run.train();
  CHECK(run.updates() == 7);  // 4 was best; equal is not better
  CHECK(run.update_of(kModelFile) == 4);
  CHECK(has(run.log, "early stopping: 3"));
}

TEST_CASE("the learning rate falls at every so many stalls in a row") {
  Run run;
  run.options.after = {.updates = 9};
  run.options.lr_decay = 0.5;
  run.options.lr_decay_patience = 2;
  run.scores = cross_entropies({5, 6, 4, 6, 6, 6, 6, 6});  // one stall, then five after the second best
  run.train();
  CHECK(run.rates == Numbers{1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25});

  Run without;
  without.options.after = {.updates = 6};
  without.options.lr_decay = 0;
  without.scores = run.scores;
  without.train();
  CHECK(without.rates == Numbers(6, 1));
}

TEST_CASE("ten updates skipped in a row end the training, more in all do not") {
  Run run;
  run.options.after = {.updates = 30};
  run.options.disp_freq = {.updates = 15};
  for (std::int64_t update = 1; update <= 30; ++update)
    if (update % 10 != 0) run.skipped.insert(update);  // nine in a row, three times
  run.train();
  CHECK(run.updates() == 30);
  CHECK(has(run.log, "27 updates were skipped"));
  CHECK_FALSE(has(run.log, "nan"));  // skipped updates don't enter the means

  run.skipped.insert(20);  // now from 11 on
  run.options.overwrite = true;
  run.rates.clear();
  const std::string message = message_of<Error>([&] { run.train(); });
  CHECK(has(message, "diverged: 10 gradients in a row"));
  CHECK(run.updates() == 20);
}

// The logits of two words differ by more than the range of float: the loss of the less likely word is
// infinite, but its gradient is finite.
TEST_CASE("an update whose cost is not finite is skipped, though its gradient is") {
  const auto model = random_model(small_config());
  for (const Parameter* p : model->parameters().all())
    if (p->name == "output.b_y") p->value.data()[2] = -3e38f, p->value.data()[3] = 3e38f;
  const Recipe recipe = plain_recipe();
  const auto before = copy_of(model->parameters().values());
  SentencePairs pairs;
  pairs.add({2, kEos}, {2, kEos});
  const UpdateReport report = make_updater(*model, recipe, 1)->update(pairs.pick({0}));
  CHECK_FALSE(std::isfinite(report.cost));
  CHECK(std::isfinite(report.gradient_norm));
  CHECK_FALSE(report.applied);
  CHECK(copy_of(model->parameters().values()) == before);
}

}  // namespace mininmt
