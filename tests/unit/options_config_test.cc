// The config files of mininmt-train, and what saved options say of a change.
#include <doctest/doctest.h>

#include "apps/options/options.h"
#include "tests/unit/train_arguments.h"

namespace mininmt {

TEST_CASE("the options as a config read back to the same") {
  const std::vector<Arguments> lines = {
      {},
      {"--valid-sets", "v 1.en", "v#.fr", "--early-stopping", "0", "--after", "0e,9m", "--log",
       "a \"b\"\v.log"},
      {"--vocabs", "x", "y", "--learn-rate", "0.1234567890123456", "--clip-norm", "1e-5"},
      {"--mini-batch", "3", "--mini-batch-words", "5", "--disp-freq", "0", "--allow-unk", "--quiet"},
      {"--preset", "rnnencdec-30", "--lr-decay", "0"},
  };
  for (const Arguments& line : lines) {
    CAPTURE(line.size());
    const TrainOptions options = parse(line);
    const std::string config = to_config(options);
    const TemporaryFolder folder;
    const auto again =
        std::get<TrainOptions>(parse_train_options({"--config", folder.write("options.ini", config)}));
    CHECK(to_config(again) == config);
    CHECK(again.valid_sets == options.valid_sets);
    CHECK(again.log == options.log);
    CHECK(again.learn_rate == options.learn_rate);
    CHECK(again.mini_batch_words == options.mini_batch_words);
    CHECK(again.dim_vocabs == options.dim_vocabs);
    CHECK(again.after == options.after);
  }
}

TEST_CASE("config files take comments, quotes, Windows line ends and a byte order mark") {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("my.ini",
                   "\xEF\xBB\xBF# mine\r\n  train-sets = \"a b.en\"   c.fr  # two\r\n\r\n"
                   "model=\"m\\\"\"\r\nquiet = true\r\nmax-length = 9");
  const auto options = std::get<TrainOptions>(parse_train_options({"--config", file}));
  CHECK(options.train_sets == Arguments{"a b.en", "c.fr"});
  CHECK(options.model == "m\"");
  CHECK(options.quiet);
  CHECK(options.max_length == 9);
}

TEST_CASE("config files are refused with file and line") {
  CHECK(refusal_of_config("\n\nlearn-rat = 3\n") ==
        "my.ini:3: unknown option 'learn-rat'; did you mean learn-rate?");
  CHECK(refusal_of_config("# x\nmini-batch = 0\n") ==
        "my.ini:2: mini-batch: '0' is not a whole number from 1 to 65536");
  CHECK(refusal_of_config("dim-emb 3\n") == "my.ini:1: 'dim-emb 3' is not of the form: name = value");
  CHECK(refusal_of_config("seed = 1\nseed = 1\n") == "my.ini:2: seed is given twice");
  CHECK(refusal_of_config("log = \"a\n") == "my.ini:1: log: a double quote is not closed");
  CHECK(refusal_of_config("overwrite = true\n") == "my.ini:1: overwrite belongs on the command line");
  CHECK(refusal_of_config("quiet = maybe\n") == "my.ini:1: quiet: 'maybe' is not one of true, false");
  CHECK(refusal_of_config("dim-vocabs = 3 4 5\n") ==
        "my.ini:1: dim-vocabs takes 2 values, N N; got '3' '4' '5'");
  CHECK(holds(refusal_of_config("= 5\n"), "my.ini:1: unknown option ''"));
  CHECK(holds(refusal_of_config(std::string(2 << 20, '#')), "larger than 1 MiB"));
  CHECK_THROWS_AS(parse({"--config", "/no/such/file.ini"}), IoError);
  CHECK_THROWS_AS(parse({"--config", "/"}), IoError);
}

TEST_CASE("rules between options hold in config files, with file and line") {
  CHECK(refusal_of_config("seed = 2\nvalid-metrics = bleu\n") ==
        "my.ini:2: valid-metrics does nothing without valid-sets: add valid-sets SOURCE TARGET, or leave "
        "valid-metrics out");
  CHECK(refusal_of_config("valid-sets = a b\nlr-decay = 0\nlr-decay-patience = 2\n") ==
        "my.ini:3: lr-decay-patience does nothing without lr-decay: add lr-decay X, or leave "
        "lr-decay-patience out");
  CHECK(refusal_of_config("vocabs = a b\n\ndim-vocabs = 5 6\n") ==
        "my.ini:1: vocabs and dim-vocabs exclude each other: leave one out");
  CHECK(refusal({"--valid-metrics", "bleu"}) ==
        "--valid-metrics does nothing without --valid-sets: add --valid-sets SOURCE TARGET, or leave "
        "--valid-metrics out");
  CHECK(holds(refusal({"--lr-decay-patience", "2"}), "does nothing without --valid-sets"));
  CHECK(refusal({"--extend-vocabs"}) ==
        "--extend-vocabs does nothing without --init: add --init MODEL, or leave --extend-vocabs out");
  // One source can supply what another lacks; an option that is off needs nothing.
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "valid-metrics = perplexity\nearly-stopping = 0\n");
  CHECK(parse({"--config", file, "--valid-sets", "v", "w"}).valid_metrics == Arguments{"perplexity"});
  CHECK(refusal_of_config("early-stopping = 0\nlr-decay = 0\n") == "");
}

TEST_CASE("a wrong line of a config file is told although the command line overrules it") {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "seed = x\n");
  CHECK(holds(refusal({"--config", file, "--seed", "1"}), "my.ini:1: seed: 'x' is not a whole number"));
  CHECK(holds(refusal({"--config", file, "--preset", "tiny"}), "my.ini:1: seed: 'x'"));
  CHECK(holds(refusal({"--config", ""}), "--config: an empty name"));
  CHECK(refusal({"--log", "%prefix%%why%", "--seed", "%original_token%"}) ==
        "--seed: '%original_token%' is not a whole number from 0 to 2147483647");  // not filled in
}

TEST_CASE("what a config file sets wrongly is named as it stands there, with file and line") {
  CHECK(holds(refusal_of_config("# sizes\ndim-vocabs = 2 9\n"), "my.ini:2: dim-vocabs: '2' leaves no room"));
  CHECK(holds(refusal_of_config("after = 0\n"), "my.ini:1: after 0 would train forever"));
  CHECK(holds(refusal_of_config("\n\nlog = a.fr\n"), "my.ini:3: log 'a.fr' would write into"));
  CHECK(holds(refusal({"--log", "a.fr"}), "--log 'a.fr' would write into"));
  // The command line is the stronger source.
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "log = a.log\n");
  CHECK(holds(refusal({"--config", file, "--log", "a.fr"}), "--log 'a.fr'"));
  for (const std::string line : {"seeed = 1", "seed = x", "dim-rnn = 0", "vocabs = a", "after = 3x", "seed"})
    CHECK_MESSAGE(!holds(refusal_of_config(line + "\n"), "--"), line);
}

TEST_CASE("changed options are those that change what training computes") {
  TrainOptions before;
  before.train_sets = {"a", "b"};
  before.model = "m";
  TrainOptions now = before;
  now.train_sets = {"c", "d"};
  now.after = {.updates = 7};
  now.disp_freq = now.save_freq = {};
  now.log = "log";
  now.early_stopping = 3;
  now.cpu_threads = 5;
  CHECK(changed_options(to_config(before), now).empty());
  now.learn_rate = 0.5;
  now.config.set("dim-rnn", 7);
  now.seed = 9;
  CHECK(changed_options(to_config(before), now) == std::vector<std::string>{"--dim-rnn is 7, was 256",
                                                                            "--learn-rate is 0.5, was 0.002",
                                                                            "--seed is 9, was 1"});
}

TEST_CASE("of changed options those that merely follow from another are not named") {
  const TrainOptions before;
  TrainOptions now;
  const auto changed = [](const TrainOptions& a, const TrainOptions& b) {
    return changed_options(to_config(a), b);
  };
  now.valid_sets = {"v", "w"};
  CHECK(changed(before, now) == std::vector<std::string>{"--valid-sets is v w, was not given"});
  CHECK(changed(now, before) == std::vector<std::string>{"--valid-sets is not given, was v w"});
  TrainOptions other = now;
  other.valid_sets = {"x", "y"};
  CHECK(changed(now, other).empty());
  other.lr_decay = 0;
  other.lr_decay_patience = 7;
  CHECK(changed(now, other) == std::vector<std::string>{"--lr-decay is 0, was 0.5"});
  now = before;
  now.init = "m";
  now.config.set("dim-rnn", 7);
  CHECK(changed(before, now) == std::vector<std::string>{"--init is m, was not given"});
  now = before;
  now.config.set("dim-align", 7);
  other = before;
  other.config.set("alignment-model", std::string("fixed"));
  CHECK(changed(now, other) == std::vector<std::string>{"--alignment-model is fixed, was additive"});
}

TEST_CASE("an option that an older version did not have is as its default") {
  TrainOptions now;
  std::string before = to_config(now);
  before.erase(before.find("clip-norm"),
               before.find('\n', before.find("clip-norm")) - before.find("clip-norm"));
  CHECK(changed_options(before, now).empty());
  now.clip_norm = 3;
  CHECK(changed_options(before, now) == std::vector<std::string>{"--clip-norm is 3, was 1"});
}

TEST_CASE(
    "a training from before --tied-embeddings and --lr-decay-inv-sqrt tied nothing, and warmed up and fell") {
  TrainOptions options;
  options.lr_warmup = options.lr_decay_inv_sqrt = 70;
  std::string before = to_config(options);
  for (const std::string line : {"tied-embeddings = target\n", "lr-decay-inv-sqrt = 70\n"}) {
    REQUIRE(before.find(line) != std::string::npos);
    before.erase(before.find(line), line.size());
  }
  CHECK(changed_options(before, options) == std::vector<std::string>{"--tied-embeddings is target, was no"});
  options.config.set("tied-embeddings", "no");
  CHECK(changed_options(before, options).empty());
}

}  // namespace mininmt
