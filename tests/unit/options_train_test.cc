// The command line, presets and config files of mininmt-train.
#include <doctest/doctest.h>

#include <sstream>
#include <variant>

#include "apps/options/options.h"
#include "apps/options/train_options.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Arguments = std::vector<std::string>;

// The options of a command line with the required ones and `more`.
TrainOptions parse(const Arguments& more) {
  Arguments all = {"--train-sets", "a.en", "a.fr", "--model", "m"};
  all.insert(all.end(), more.begin(), more.end());
  return std::get<TrainOptions>(parse_train_options(all));
}

// The error message for such a command line; empty if there is none.
std::string refusal(const Arguments& more) {
  return message_of<UsageError>([&] { parse(more); });
}

std::string refusal_alone(const Arguments& arguments) {
  return message_of<UsageError>([&] { parse_train_options(arguments); });
}

std::string refusal_of_config(const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", text);
  const std::string message = refusal({"--config", file});
  // Without the folder, whose name differs between runs.
  return message.starts_with(file) ? "my.ini" + message.substr(file.size()) : message;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string help_text(const std::string& option) {
  const Reply reply = std::get<Reply>(parse_train_options({option}));
  CHECK(reply.exit_code == 0);
  return reply.text;
}

TEST_CASE("options go to their fields") {
  const TrainOptions options =
      parse({"--valid-sets", "v.en", "v.fr", "--dim-emb", "1", "--dim-rnn=2", "--dim-align", "3",
             "--dim-maxout", "4", "--after", "3e,7m", "--normalize", "--valid-metrics", "bleu", "perplexity",
             "--quiet", "--label-smoothing", "0.25"});
  CHECK(options.train_sets == Arguments{"a.en", "a.fr"});
  CHECK(options.valid_sets == Arguments{"v.en", "v.fr"});
  CHECK(options.model == "m");
  CHECK(options.config.integer("dim-emb") == 1);
  CHECK(options.config.integer("dim-rnn") == 2);
  CHECK(options.config.integer("dim-align") == 3);
  CHECK(options.config.integer("dim-maxout") == 4);
  CHECK(options.after == Budget{3, 0, 7});
  CHECK(options.valid_metrics == Arguments{"bleu", "perplexity"});
  CHECK(options.decoding.normalize == 1);
  CHECK(options.label_smoothing == 0.25);
  CHECK(options.quiet);
  CHECK_FALSE(options.overwrite);
}

TEST_CASE("the paper's presets are the paper's recipe") {
  for (const std::string name : {"rnnsearch-30", "rnnsearch-50", "rnnencdec-30", "rnnencdec-50"}) {
    CAPTURE(name);
    const TrainOptions options = parse({"--preset", name});
    CHECK(options.config.integer("dim-rnn") == 1000);
    CHECK(options.config.integer("dim-emb") == 620);
    CHECK(options.config.integer("dim-maxout") == 500);
    CHECK(options.config.integer("dim-align") == 1000);
    CHECK(options.dim_vocabs == std::vector<int>{30000, 30000});
    CHECK(options.optimizer == "adadelta");
    CHECK(options.learn_rate == 1);
    CHECK(options.clip_norm == 1);
    CHECK(options.cost_type == "ce-sum");
    CHECK(options.mini_batch == 80);
    CHECK(options.mini_batch_words == 0);
    CHECK(options.maxi_batch == 20);
    CHECK(options.config.text("decoder-order") == "authors");
    for (const char* field : {"dropout-emb", "dropout-annotations", "dropout-readout"})
      CHECK(options.config.real_number(field) == 0);
    CHECK(options.label_smoothing == 0);
    CHECK(options.max_length == (holds(name, "30") ? 30 : 50));
    CHECK(options.config.text("alignment-model") == (holds(name, "search") ? "additive" : "fixed"));
    CHECK(options.decoding.normalize == 0);
    CHECK(options.decoding.min_length_factor == 0.5);
  }
}

TEST_CASE("command line over file over preset over default") {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "preset = rnnsearch-50\ndim-rnn = 7\ndim-emb = 8\n");
  const TrainOptions options = parse({"--config", file, "--dim-emb", "9"});
  CHECK(options.config.integer("dim-emb") == 9);
  CHECK(options.config.integer("dim-rnn") == 7);
  CHECK(options.config.integer("dim-align") == 1000);
  CHECK(options.seed == TrainOptions().seed);
  CHECK(parse({"--config", file, "--preset", "small"}).config.integer("dim-align") ==
        TrainOptions().config.integer("dim-align"));
}

TEST_CASE("switches take true or false, and overrule a config file that sets them") {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "quiet = true\n");
  for (const Arguments& on : {Arguments{"--quiet"}, {"--quiet", "true"}, {"--quiet=true"}})
    CHECK(parse(on).quiet);
  for (Arguments off : {Arguments{"--quiet", "false"}, {"--quiet=false"}}) {
    off.insert(off.end(), {"--config", file});
    CHECK_FALSE(parse(off).quiet);
  }
  CHECK(refusal({"--keep-best", "false"}) == "");
  CHECK(refusal({"--quiet=x"}) == "--quiet: 'x' is not one of true, false");
  CHECK(refusal({"--quiet", "true", "false"}) == "--quiet takes 1 value, true or false; got 'true' 'false'");
  CHECK(refusal({"--help=x"}) == "--help takes no value; got 'x'");
  CHECK(refusal({"--version", "x"}) == "--version takes no value; got 'x'");
  CHECK(refusal({"--seed="}) == "--seed=: no value follows the equals sign: add one");
  CHECK(holds(help_text("--help-all"), "--quiet false overrules"));
}

TEST_CASE("what depends on a chosen option follows it") {
  CHECK(parse({"--optimizer", "adadelta"}).learn_rate == 1);
  CHECK(parse({"--preset", "rnnsearch-50", "--optimizer", "adam"}).learn_rate == 0.002);
  CHECK(parse({"--optimizer", "sgd", "--learn-rate", "0.7"}).learn_rate == 0.7);
  CHECK(parse({"--vocabs", "v.en", "v.fr"}).dim_vocabs.empty());
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "mini-batch-words = 4000\n");
  CHECK(parse({"--config", file}).mini_batch_words == 4000);
  CHECK(parse({"--config", file, "--mini-batch", "16"}).mini_batch_words == 0);
  const std::string vocabs = folder.write("vocabs.ini", "vocabs = v.en v.fr\n");
  const TrainOptions counted = parse({"--config", vocabs, "--dim-vocabs", "5", "6"});
  CHECK(counted.vocabs.empty());
  CHECK(counted.dim_vocabs == std::vector<int>{5, 6});
}

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

TEST_CASE(
    "sizes of a kind of model that was not chosen are refused, unless a stronger source chose the kind") {
  CHECK(refusal({"--alignment-model", "fixed", "--dim-align", "3"}) ==
        "--dim-align is for --alignment-model additive, and this model's is fixed: leave it out");
  CHECK(refusal_of_config("dim-align = 3\nalignment-model = fixed\n") ==
        "my.ini:1: dim-align is for alignment-model additive, and this model's is fixed: leave it out");
  const TemporaryFolder folder;
  const std::string sizes = folder.write("sizes.ini", "dim-align = 3\ndim-rnn = 4\n");
  CHECK(parse({"--config", sizes, "--alignment-model", "fixed"}).config.integer("dim-rnn") == 4);
  const std::string fixed = folder.write("fixed.ini", "alignment-model = fixed\n");
  CHECK(holds(refusal({"--config", fixed, "--dim-align", "3"}), "--dim-align is for"));
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

TEST_CASE("options are declared from data, with functions that get and set") {
  struct Declared {
    std::string name;
    std::variant<bool, int, double, std::string> value;
  };
  std::vector<Declared> fields = {{"size", 3}, {"share", 0.5}, {"gated", false}, {"form", std::string("a")}};
  OptionSet set("program");
  set.group("Model");
  for (Declared& field : fields) {
    const auto declare = [&]<class T>(const Kind<T>& kind) {
      set.add<T>(
          field.name, [&field] { return std::get<T>(field.value); },
          [&field](const T& value) { field.value = value; }, kind, "help of " + field.name);
    };
    if (std::holds_alternative<bool>(field.value)) declare(kind::flag());
    if (std::holds_alternative<int>(field.value)) declare(kind::integer({1, 9}));
    if (std::holds_alternative<double>(field.value)) declare(kind::real({0, 1}));
    if (std::holds_alternative<std::string>(field.value)) declare(kind::choice({"a", "b"}));
  }
  const std::string before = set.to_config();
  set.apply(set.read_command_line({"--size", "4", "--share=0.25", "--gated", "--form", "b"}));
  CHECK(std::get<int>(fields[0].value) == 4);
  CHECK(std::get<double>(fields[1].value) == 0.25);
  CHECK(std::get<bool>(fields[2].value));
  CHECK(std::get<std::string>(fields[3].value) == "b");
  CHECK(holds(set.to_config(), "\n# Model\nsize = 4\nshare = 0.25\ngated = true\nform = b\n"));
  CHECK(message_of<UsageError>([&] {
          set.apply(set.read_command_line({"--size", "10"}));
        }) == "--size: '10' is not a whole number from 1 to 9");
  set.apply(set.read_config(before, "saved"));
  CHECK(set.to_config() == before);
}

TEST_CASE("command lines that cannot be obeyed say what to do") {
  CHECK(holds(refusal_alone({"--model", "m"}), "add --train-sets SOURCE TARGET"));
  CHECK(holds(refusal_alone({"--train-sets", "a", "b"}), "add --model FOLDER"));
  CHECK(refusal_alone({"--train-sets", "a", "--model", "m"}) ==
        "--train-sets takes 2 values, SOURCE TARGET; got 'a'");
  CHECK(refusal({"--modle", "x"}) == "unknown option '--modle'; did you mean --model?");
  CHECK(holds(refusal({"--mini-bat", "5"}), "unknown option"));  // no abbreviations
  CHECK(holds(refusal({"-seed", "5"}), "did you mean --seed?"));
  CHECK(refusal({"--seed", "1", "--seed", "1"}) == "--seed is given twice");
  CHECK(refusal({"--learn-rate", "nan"}) == "--learn-rate: 'nan' is not a number from 1e-12 to 1000");
  CHECK(holds(refusal({"--learn-rate", "-1"}), "'-1' is not a number"));
  CHECK(refusal({"--quiet", "x"}) == "--quiet: 'x' is not one of true, false");
  CHECK(holds(refusal({"--optimizer", "adagrad"}), "'adagrad' is not one of adadelta, adam, sgd"));
  CHECK(holds(refusal({"--optimizer"}), "--optimizer takes 1 value"));
  CHECK(holds(refusal({"--exponential-smoothing", "0.999"}), "from 0 to 0.5"));
  CHECK(holds(refusal({"--log", ""}), "empty name"));
  CHECK(holds(refusal({"--log="}), "--log"));
  CHECK(holds(refusal({"--valid-metrics", "bleu"}), "add --valid-sets SOURCE TARGET"));
  CHECK(holds(refusal({"--valid-sets", "a", "b", "--valid-metrics", "bleu", "bleu"}), "twice"));
  CHECK(holds(refusal({"--vocabs", "a", "b", "--dim-vocabs", "3", "3"}), "exclude each other"));
  CHECK(holds(refusal({"--dim-vocabs", "2", "9"}), "no room for words"));
  CHECK(refusal({"--dim-vocabs", "0", "3"}) == "");
  CHECK(refusal({"--after", "0"}) ==
        "--after 0 would train forever: give a limit, or --valid-sets with --early-stopping");
  CHECK(holds(refusal({"--valid-sets", "-", "x"}), "standard input"));
  CHECK(holds(refusal({"--preset", "large"}), "'large' is not one of tiny, small"));
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

TEST_CASE("the log does not go into the config file or a file of the model") {
  const TemporaryFolder folder;
  const std::string config = folder.write("my.ini", "seed = 1\n");
  CHECK(holds(refusal({"--config", config, "--log", config}), "would write into what is read"));
  const auto logging_to = [&](const std::string& file) {
    return refusal_alone({"--train-sets", "a.en", "a.fr", "--model", folder.path(""), "--log", file});
  };
  for (const char* name : {"model.safetensors", "options.ini", "source.vocab", "checkpoint.safetensors"}) {
    const std::string file = folder.write(name, "");
    CHECK(holds(logging_to(file), "would write into a file of the model"));
  }
  CHECK_FALSE(holds(logging_to(folder.path("train.log")), "would write"));
  // Nor into one that the training is going to make.
  const auto logging_in_new = [&](const std::string& name) {
    return refusal_alone({"--train-sets", "a.en", "a.fr", "--model", folder.path("new/"), "--log",
                          folder.path("") + "./new/../new/" + name});
  };
  CHECK(holds(logging_in_new("options.ini"), "would write into a file of the model"));
  CHECK_FALSE(holds(logging_in_new("train.log"), "would write"));
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

TEST_CASE("no arguments: the usage, and exit code 2") {
  const Reply reply = std::get<Reply>(parse_train_options({}));
  CHECK(reply.exit_code == 2);
  CHECK(holds(reply.text, "usage: mininmt-train --train-sets"));
}

TEST_CASE("the help fits a screen and names only options there are") {
  const std::string help = help_text("--help");
  CHECK(help == help_text("-h"));
  std::istringstream lines(help);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(count <= 40);
  CHECK(help.find('{') == std::string::npos);
  const std::string all = help_text("--help-all");
  for (std::size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at + 2)) {
    const std::string name = help.substr(at, help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at) - at);
    CAPTURE(name);
    CHECK(holds(all, "  " + name + " "));
  }
}

TEST_CASE("every preset is accepted") {
  for (const std::string& name : preset_names()) CHECK(refusal({"--preset", name}) == "");
  CHECK(to_config(parse({"--preset", "small"})) == to_config(parse({})));
}

}  // namespace
}  // namespace mininmt
