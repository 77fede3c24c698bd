// Checkpoints: a training that was stopped and goes on ends in the same bits; damage; the wrong training.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "apps/program/model_folder.h"
#include "apps/train/new_model.h"
#include "apps/train/resume.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/train_corpus.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

// A training with all that has a state: average, decay, dropout, an optimizer with two blocks, validation.
struct Session {
  TemporaryFolder folder;
  TrainOptions options = plain_options();
  ParallelCorpus corpus = random_corpus(40);
  Vocab vocab;
  std::vector<std::string> warnings;
  std::int64_t best_at = -1;  // the validation after this update finds the best model

  Session() {
    options.model = folder.path("model");
    options.optimizer = "adam";
    options.learn_rate = 0.01;
    options.exponential_smoothing = 0.05;
    options.config.set("dropout-annotations", 0.2);
    options.lr_decay = 0.5;
    options.lr_decay_patience = 1;
    options.early_stopping = 0;
    options.after = {.updates = 12};
    options.valid_freq = {.updates = 2};
    options.valid_metrics = {"cross-entropy"};
    options.disp_freq = {.updates = 3};
    options.save_freq = {.updates = 1};
  }

  // Runs, resuming where there is a checkpoint. The validation after update `stop_at` never ends: as if the
  // program had been killed there.
  struct Killed {};
  void run(std::int64_t stop_at = -1) {
    const TrainingFolder training_folder(options.model, [](const std::string&) {});
    Log log(true, folder.path("log"));
    auto checkpoint =
        Checkpoint::find(options.model, [&](const std::string& text) { warnings.push_back(text); });
    const auto model = new_model(options, 9, 11);
    const auto updater = make_updater(*model, options, 1);
    // It gets worse and better, as the parameters are.
    const Validate validate = [&](const Model& trained) {
      if (updater->updates() == stop_at) throw Killed();
      if (updater->updates() == best_at) return ValidationScores{.cross_entropy = 0};
      const double cost = static_cast<double>(trained.parameters().values().data()[3]);
      return ValidationScores{.cross_entropy = std::abs(cost)};
    };
    Saver saver(training_folder, *model, vocab, vocab, "", {{"of", "test"}}, checkpoint.has_value(), log);
    TrainingReport report(training_folder, {}, log);
    Trainer trainer(*model, *updater, corpus, validate, saver, options, log, report);
    if (checkpoint) {
      checkpoint->restore(model->parameters(), [&](StateVisitor& v) { trainer.visit(v); });
      report.go_on_after(updater->updates());
    }
    trainer.run();
  }

  std::string file(const char* name) const { return read_whole(folder.path(std::string("model/") + name)); }

  // The costs and validations in the log, each of them once.
  std::set<std::string> log_lines() const {
    std::set<std::string> found;
    std::ifstream log(folder.path("log"));
    for (std::string line; std::getline(log, line);) {
      const std::size_t at = line.find("update ");
      if (at == std::string::npos || line.find("done") != std::string::npos) continue;
      std::string text = line.substr(at);
      for (const char* timing : {" words/s", "  took"}) {
        const std::size_t end = text.find(timing);
        if (end != std::string::npos) text.erase(text.rfind("  ", end - 1));
      }
      found.insert(text);
    }
    return found;
  }
};

// The state in a checkpoint, but for the times.
std::map<std::string, std::string> state_of(const std::string& path) {
  std::map<std::string, std::string> state;
  SafeTensorsReader file(path);
  for (const auto& [name, value] : file.metadata())
    if (name != "checksum" && name.find("seconds") == std::string::npos &&
        name.find("since") == std::string::npos)
      state[name] = value;
  for (const SafeTensorEntry& entry : file.entries()) {
    std::vector<float> data(entry.elements());
    file.read(entry, 0, data);
    state[entry.name] = std::string(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(float));
  }
  return state;
}

}  // namespace

TEST_CASE("a training killed at any validation and resumed ends in the same bits") {
  Session undisturbed;
  undisturbed.run();
  const auto expected = state_of(undisturbed.folder.path("model/checkpoint.safetensors"));
  CHECK(expected.at("state.updates") == "12");
  CHECK(expected.at("state.learn-rate") != "0x1.47ae147ae147bp-7");  // it has decayed
  for (const std::int64_t at : {2, 4, 10, 12}) {
    Session killed;
    CHECK_THROWS_AS(killed.run(at), Session::Killed);
    killed.run();
    CHECK(state_of(killed.folder.path("model/checkpoint.safetensors")) == expected);
    CHECK(killed.file(kModelFile) == undisturbed.file(kModelFile));
    CHECK(killed.file(kLastModel) == undisturbed.file(kLastModel));
    CHECK(killed.log_lines() == undisturbed.log_lines());
  }
}

TEST_CASE("a training that ended and goes on with a higher --after is as if it had never ended") {
  Session undisturbed, raised;
  undisturbed.run();
  for (const std::int64_t updates : {1, 5, 7, 12}) {
    raised.options.after = {.updates = updates};
    raised.run();
  }
  CHECK(state_of(raised.folder.path("model/checkpoint.safetensors")) ==
        state_of(undisturbed.folder.path("model/checkpoint.safetensors")));
  CHECK(raised.file(kLastModel) == undisturbed.file(kLastModel));
}

TEST_CASE("a complete training that goes on is incomplete until its last validation is done") {
  Session session;
  session.options.valid_freq = {.updates = 3};
  session.options.after = {.updates = 4};
  session.run();
  session.options.after = {.updates = 8};
  CHECK_THROWS_AS(session.run(8), Session::Killed);
  session.run();
  const std::string log = read_whole(session.folder.path("log"));
  CHECK(log.find("validation  epoch 2  update 8") != std::string::npos);
}

TEST_CASE("a complete training is left as it is") {
  Session training;
  training.run();
  const std::string before = training.file(kCheckpoint);
  const auto time = fs::last_write_time(training.folder.path("model/model.safetensors"));
  training.run();
  CHECK(training.file(kCheckpoint) == before);
  CHECK(fs::last_write_time(training.folder.path("model/model.safetensors")) == time);
  CHECK(read_whole(training.folder.path("log")).find("this training is complete, after 12 updates") !=
        std::string::npos);
}

TEST_CASE("a complete training that was killed before its last line has it when it is asked for again") {
  Session training;
  training.run();
  const std::string log = training.folder.path("log"), events = training.folder.path("model/log.jsonl");
  const auto ends = [&] { return read_whole(events).find("\"event\":\"end\"") != std::string::npos; };
  REQUIRE(ends());
  fs::remove(log);
  std::ofstream(events, std::ios::trunc).close();
  training.run();
  CHECK(read_whole(log).find("done: 12 updates") != std::string::npos);
  CHECK(ends());
}

TEST_CASE("a training that goes on from its end has the best model of one that never stopped") {
  Session whole, halves;
  whole.options.keep_best = halves.options.keep_best = true;
  whole.best_at = halves.best_at = 11;  // between the validations of the one that never stops
  whole.run();
  halves.options.after = {.updates = 11};
  halves.run();
  const std::string at_end = halves.file("model.safetensors");
  CHECK(at_end == halves.file("last.safetensors"));
  CHECK(at_end == halves.file("best-cross-entropy.safetensors"));
  halves.run();  // complete: nothing changes
  CHECK(halves.file("model.safetensors") == at_end);
  halves.options.after = {.updates = 12};
  halves.run();
  for (const char* name : {"model.safetensors", "best-cross-entropy.safetensors", "last.safetensors"})
    CHECK(halves.file(name) == whole.file(name));
  CHECK(halves.file("model.safetensors") != at_end);
  CHECK(halves.file("last-00000011.safetensors") == at_end);
  CHECK(!fs::exists(halves.folder.path("model/before-end-model.safetensors")));
  CHECK(read_whole(halves.folder.path("log")).find("the one of the end is") != std::string::npos);
}

TEST_CASE("a damaged model does not stop a training that goes on") {
  Session training;
  CHECK_THROWS_AS(training.run(6), Session::Killed);
  for (const char* name : {"model/model.safetensors", "model/last.safetensors"})
    fs::resize_file(training.folder.path(name), 10);
  training.run();
  CHECK(load_model(training.folder.path("model/last.safetensors")) != nullptr);
  CHECK(read_whole(training.folder.path("log")).find("it stays until training saves it anew") !=
        std::string::npos);
}

TEST_CASE("a damaged checkpoint is named, and the one before it is used") {
  Session undisturbed, damaged;
  undisturbed.run();
  CHECK_THROWS_AS(damaged.run(6), Session::Killed);
  const std::string path = damaged.folder.path("model/checkpoint.safetensors"), whole = read_whole(path);
  for (const std::size_t place : {whole.size() - 1, whole.size() / 2, whole.find("state.updates") + 17}) {
    std::string bytes = whole;
    bytes[place] ^= 1;
    damaged.folder.write("model/checkpoint.safetensors", bytes);
    CHECK_THROWS_AS(Checkpoint{path}, DataError);
  }
  for (const std::size_t size : {whole.size() - 4, std::size_t{100}, std::size_t{3}, std::size_t{0}}) {
    damaged.folder.write("model/checkpoint.safetensors", whole.substr(0, size));
    CHECK_THROWS_AS(Checkpoint{path}, DataError);
  }
  damaged.run();
  REQUIRE(damaged.warnings.size() == 1);
  CHECK(damaged.warnings[0].find("going on from " +
                                 damaged.folder.path("model/checkpoint-previous.safetensors")) !=
        std::string::npos);
  CHECK(state_of(path) == state_of(undisturbed.folder.path("model/checkpoint.safetensors")));

  for (const char* name : {"model/checkpoint.safetensors", "model/checkpoint-previous.safetensors"})
    damaged.folder.write(name, whole.substr(0, 100));
  CHECK(message_of<DataError>([&] { damaged.run(); }).find("there is no other: start anew") !=
        std::string::npos);
}

TEST_CASE("the state of another kind of training is refused") {
  Session training;
  training.options.after = {.updates = 2};
  training.run();
  const auto refusal = [&](const std::function<void(TrainOptions&)>& change) {
    Session other;
    change(other.options);
    const auto model = new_model(other.options, 9, 11);
    const auto updater = make_updater(*model, other.options, 1);
    Checkpoint checkpoint(training.folder.path("model/checkpoint.safetensors"));
    return message_of<DataError>(
        [&] { checkpoint.restore(model->parameters(), [&](StateVisitor& v) { updater->visit(v); }); });
  };
  CHECK(refusal([](TrainOptions& o) { o.optimizer = "adadelta"; }).find("adadelta.1") != std::string::npos);
  CHECK(refusal([](TrainOptions& o) { o.config.set("dim-rnn", 7); }).find("another shape") !=
        std::string::npos);
}

TEST_CASE("facts: what is different is named") {
  TrainOptions options;
  options.train_sets = {"a", "b"};
  options.model = "m";
  TrainingText text;
  text.corpus = random_corpus(5);
  const Device device{&cpu_memory(), "CPU", 2};
  options.parts = 2;
  const Facts before = facts_of(options, text, {}, device);
  const auto refusal = [&](const TrainOptions& o, const TrainingText& t, const ValidationText& v,
                           const Device& d) {
    return message_of<UsageError>([&] {
      check_same_options(before, o, d);
      check_same_text(before, facts_of(o, t, v, d), o);
    });
  };
  CHECK(refusal(options, text, {}, device) == "");
  TrainOptions other = options;
  other.seed = 5;
  CHECK(refusal(other, text, {}, device).find("--seed is 5, was 1") != std::string::npos);
  CHECK(refusal(options, text, {}, {&cpu_memory(), "", 3}) == "");
  other = options;
  other.parts = 3;
  CHECK(refusal(other, text, {}, device).find("--parts is 3, was 2") != std::string::npos);
  Facts old = before;  // of a version that had a part for each thread
  old.erase("parts");
  old["cpu-threads"] = "2";
  CHECK_NOTHROW(check_same_options(old, options, device));
  CHECK_THROWS_AS(check_same_options(old, other, device), UsageError);
  other = options;
  for (const char* name : {"auto", "tf32", "float32"}) {  // on a CPU all the same
    other.precision = name;
    CHECK(refusal(other, text, {}, device) == "");
  }
  const Device rounding{&cpu_memory(), "CPU", 2, WeightFormat::kBf16, "bf16"};
  CHECK(refusal(options, text, {}, rounding).find("--precision is bf16, was float32") != std::string::npos);
  old = before;  // of a version whose options alone had it: tf32, on a CPU, too
  old.erase("precision");
  std::string& saved = old["options"];
  saved.replace(saved.find("precision = auto"), std::string("precision = auto").size(), "precision = tf32");
  CHECK_NOTHROW(check_same_options(old, options, device));
  CHECK_THROWS_AS(check_same_options(old, options, rounding), UsageError);
  TrainingText longer;
  longer.corpus = random_corpus(6);
  CHECK(refusal(options, longer, {}, device).find("the training text is another") != std::string::npos);
  TrainingText wider;
  wider.corpus = text.corpus;
  wider.target.add("x");
  CHECK(refusal(options, wider, {}, device).find("the target vocabulary is another") != std::string::npos);
  CHECK(refusal(options, text, {{"x"}, {"y"}}, device).find("the validation text is another") !=
        std::string::npos);
}

}  // namespace mininmt
