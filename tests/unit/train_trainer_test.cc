// A training run: when it stops, what it saves, and that it depends only on its seed.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "apps/program/model_folder.h"
#include "apps/train/new_model.h"
#include "apps/train/trainer.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/train_corpus.h"

namespace mininmt {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

Vocab vocab_of(char letter, int words) {
  Vocab vocab;
  while (static_cast<int>(vocab.size()) < words) vocab.add(letter + std::to_string(vocab.size()));
  return vocab;
}

// A trainer run in its own folder, with 16 pairs: 2 updates of 8 pairs per epoch.
struct Session {
  TemporaryFolder folder;
  TrainOptions options = plain_options();
  ParallelCorpus corpus = random_corpus(16);
  Vocab source = vocab_of('s', 9), target = vocab_of('t', 11);
  std::string log;

  Session() {
    options.model = folder.path("model");
    options.clip_norm = 1;
    options.early_stopping = 0;
    options.disp_freq = {};
    options.save_freq = {};
  }

  // Validation on a pair that contradicts the corpus: it gets worse with training.
  void validate_on_the_opposite() {
    const Sentence source_words = {2, 3, kEos}, words = {4, 4, 4, kEos}, other = {5, 6, 7, kEos};
    corpus = {};
    for (int i = 0; i < 16; ++i) corpus.add(source_words, words);
    options.valid_sets = {folder.write("valid.s", source.decode(source_words) + "\n"),
                          folder.write("valid.t", target.decode(other) + "\n")};
    options.valid_metrics = {"cross-entropy"};
    options.valid_freq = {.updates = 2};
  }

  int train(int threads = 1) {
    Log messages(true, folder.path("log"));
    Validate validate;
    if (!options.valid_sets.empty())
      validate = [&,
                  validation = Validation(options, read_validation_text(options), source, target, threads)](
                     const Model& trained) { return validation.measure(trained); };
    const TrainingFolder training_folder(options.model, [](const std::string&) {});
    const auto model = new_model(options, source.size(), target.size());
    const auto updater = make_updater(*model, options, threads);
    Saver saver(training_folder, *model, source, target, to_config(options), {}, false, messages);
    TrainingReport report(training_folder, {}, messages);
    const int exit_code = Trainer(*model, *updater, corpus, validate, saver, options, messages, report).run();
    log = read_whole(folder.path("log"));
    return exit_code;
  }

  std::string file(const char* name) const { return folder.path(std::string("model/") + name); }
};

int updates_after(const Budget& after) {
  Session s;
  s.options.after = after;
  REQUIRE(s.train() == 0);
  const std::size_t at = s.log.find("done: ");
  REQUIRE(at != std::string::npos);
  return std::stoi(s.log.substr(at + 6));
}

TEST_CASE("training ends after updates or epochs, whichever come first") {
  CHECK(updates_after({.updates = 5}) == 5);
  CHECK(updates_after({.epochs = 3}) == 6);
  CHECK(updates_after({.epochs = 2, .updates = 100}) == 4);
  CHECK(updates_after({.epochs = 100, .updates = 3}) == 3);
}

TEST_CASE("the model at the end is saved and loads") {
  Session s;
  s.options.after = {.updates = 4};
  s.train();
  const LoadedModel loaded = load_model_folder(s.options.model);
  CHECK(loaded.source.size() == 9);
  CHECK(loaded.model->config().integer("dim-align") == 7);
  CHECK(read_whole(s.file(kModelFile)) == read_whole(s.file(kLastModel)));
}

std::string model_bytes(int seed, int threads, double dropout = 0.2) {
  Session s;
  s.options.after = {.epochs = 3};
  s.options.seed = seed;
  s.options.optimizer = "adam";
  s.options.config.set("dropout-annotations", dropout);
  s.train(threads);
  return read_whole(s.file(kModelFile));
}

TEST_CASE("the same seed and threads give the same model to the byte") {
  for (int threads : {1, 2}) CHECK(model_bytes(1, threads) == model_bytes(1, threads));
  CHECK(model_bytes(1, 1) != model_bytes(2, 1));
}

TEST_CASE("another number of threads gives nearly the same model") {
  Session one, two;
  for (Session* s : {&one, &two}) s->options.after = {.epochs = 3};
  one.train(1);
  two.train(2);
  const auto a = load_model(one.file(kModelFile)), b = load_model(two.file(kModelFile));
  double largest = 0;
  for (std::int64_t i = 0; i < a->parameters().size(); ++i)
    largest = std::max<double>(
        largest, std::abs(a->parameters().values().data()[i] - b->parameters().values().data()[i]));
  CHECK(largest < 1e-4);
}

TEST_CASE("validations without a new best stop the training and lower the learning rate") {
  Session s;
  s.validate_on_the_opposite();
  s.options.after = {.updates = 1000};
  s.options.early_stopping = 5;
  s.options.lr_decay = 0.5;
  s.options.lr_decay_patience = 2;
  CHECK(s.train() == 0);
  CHECK(has(s.log, "early stopping: 5"));
  CHECK(has(s.log, "done: 12 updates"));  // the first validation, after 2, is best; five more follow
  CHECK(count(s.log, "new best") == 1);
  CHECK(has(s.log, "learning rate 0.05"));
  CHECK(has(s.log, "learning rate 0.025"));
  CHECK(count(s.log, "learning rate") == 2);
}

TEST_CASE("the best model by validation and the last are both kept") {
  Session s, until_best;
  s.validate_on_the_opposite();
  until_best.validate_on_the_opposite();
  s.options.after = {.updates = 8};
  until_best.options.after = {.updates = 2};
  s.train();
  until_best.train();
  CHECK(read_whole(s.file(kModelFile)) == read_whole(until_best.file(kModelFile)));
  CHECK(read_whole(s.file(kLastModel)) != read_whole(s.file(kModelFile)));
  CHECK(count(s.log, "validation  epoch") == 4);  // the one at update 8 is not repeated
}

TEST_CASE("validation measures the saved average and leaves the parameters alone") {
  Session with, without;
  for (Session* s : {&with, &without}) {
    s->options.after = {.updates = 6};
    s->options.exponential_smoothing = 0.1;
  }
  with.validate_on_the_opposite();
  without.corpus = with.corpus;
  with.train();
  without.train();
  CHECK(read_whole(with.file(kLastModel)) == read_whole(without.file(kLastModel)));
  // The value in the log is that of the best model on disk.
  const auto best = load_model(with.file(kModelFile));
  const Validation validation(with.options, read_validation_text(with.options), with.source, with.target, 1);
  char text[64];
  std::snprintf(text, sizeof text, "update 2  cross-entropy %.3f  new best",
                validation.measure(*best)->cross_entropy);
  CHECK(has(with.log, text));
}

TEST_CASE("metrics: cross-entropy a sentence, perplexity a word, BLEU, and which way is better") {
  Session s;
  s.options.valid_sets = {s.folder.write("v.s", "s2 s3\ns4\n"), s.folder.write("v.t", "t2 t3\nt4 t5 t6\n")};
  const auto model = random_model(small_config());
  const ValidationScores scores =
      *Validation(s.options, read_validation_text(s.options), s.source, s.target, 1).measure(*model);
  const double total = log_probabilities(*model, batch_of({{2, 3, kEos}}, {{2, 3, kEos}}))[0] +
                       log_probabilities(*model, batch_of({{4, kEos}}, {{4, 5, 6, kEos}}))[0];
  CHECK(scores.cross_entropy == doctest::Approx(-total / 2).epsilon(1e-5));
  CHECK(scores.perplexity == doctest::Approx(std::exp(-total / 7)).epsilon(1e-5));
  CHECK(are_higher_better({"bleu", "cross-entropy", "perplexity", "chrf", "exact-match"}) ==
        std::vector<bool>{true, false, false, true, true});
}

TEST_CASE("metrics of beam search: on its own translations a model is perfect") {
  Session s;
  const auto model = random_model(small_config());
  const std::vector<std::string> lines = {"s2 s3", "s4 s5 s6", "s7"};
  const Translator translator(*model, s.source, s.target, search_options(s.options.decoding), 2, 1);
  ValidationText text{lines, {}};
  for (const auto& found : translator.translate(lines)) text.target.push_back(translator.text(found.at(0)));
  s.options.valid_metrics = {"exact-match", "chrf"};
  CHECK(Validation(s.options, text, s.source, s.target, 1).measure(*model)->exact_match == 100);
  CHECK(Validation(s.options, text, s.source, s.target, 1).measure(*model)->chrf == 100);
  text.target[1] = "x";
  CHECK(Validation(s.options, text, s.source, s.target, 1).measure(*model)->exact_match ==
        doctest::Approx(200.0 / 3));
}

TEST_CASE("a validation that is told to stop gives nothing back") {
  Session s;
  const auto model = random_model(small_config());
  s.options.valid_metrics = {"bleu"};
  const Validation validation(s.options, {{"s2", "s3"}, {"t2", "t3"}}, s.source, s.target, 1);
  CHECK(validation.measure(*model, [] { return false; }));
  int asked = 0;
  CHECK_FALSE(validation.measure(*model, [&] { return ++asked > 2; }));
  CHECK_FALSE(validation.measure(*model, [] { return true; }));
}

TEST_CASE("training that diverges ends with a message that says what to do") {
  Session s;
  s.options.after = {.updates = 1000};
  s.options.clip_norm = 0;
  s.options.learn_rate = 1000;
  const std::string message = message_of<Error>([&] { s.train(); });
  CHECK(has(message, "diverged"));
  CHECK(has(message, "--learn-rate"));
}

TEST_CASE("lines of progress come as often as asked") {
  Session s;
  s.options.after = {.updates = 6};
  s.options.disp_freq = {.updates = 2};
  s.train();
  CHECK(count(s.log, "words/s  gradient norm") == 3);
  for (const char* line : {"epoch 1  update 2", "epoch 2  update 4", "epoch 3  update 6"})
    CHECK(has(s.log, line));
}

}  // namespace
}  // namespace mininmt
