// The command line and presets of mininmt-train.
#include <doctest/doctest.h>

#include <sstream>

#include "apps/options/options.h"
#include "tests/unit/train_arguments.h"

namespace mininmt {

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

TEST_CASE("the preset of the deep LSTM is the published recipe, 384 million parameters in all") {
  const TrainOptions options = parse({"--preset", "sutskever"});
  CHECK(options.config.type == "lstm");
  CHECK(options.config.flag("reverse-source"));
  CHECK(options.config.real_number("initial-range") == 0.08);
  for (const char* field : {"forget-bias", "dropout-emb", "dropout-layers"})
    CHECK(options.config.real_number(field) == 0);
  CHECK(options.optimizer == "sgd");
  CHECK(options.learn_rate == 0.7);
  CHECK(options.lr_halve == std::vector<double>{5, 0.5});
  CHECK(options.lr_decay == 0);
  CHECK(options.after == Budget{7.5, 0, 0});
  CHECK(options.mini_batch == 128);
  CHECK(options.cost_type == "ce-mean");
  CHECK(options.clip_norm == 5);
  CHECK(options.label_smoothing == 0);
  CHECK(options.decoding.beam_size == 12);
  CHECK(options.dim_vocabs == std::vector<int>{160000, 80000});
  Config config = options.config;
  config.source_words = 160000;
  config.target_words = 80000;
  std::int64_t count = 0;  // of declared parameters, which take no memory
  const auto model = find_family("lstm").make(config);
  for (const Parameter& p : model->parameters().declared()) count += p.shape.size();
  // Embeddings, output, and 4 + 4 layers of W, U, b and p.
  CHECK(count == 240'000'000 + 80'000'000 + 80'000 + 8 * (8'000'000 + 4'000 + 3'000));

  const TrainOptions small = parse({"--preset", "lstm-small"});
  CHECK(small.config.type == "lstm");
  CHECK(small.config.integer("layers") == 2);
  CHECK(small.config.integer("dim-rnn") == 256);
  CHECK(small.config.real_number("forget-bias") == 1);
  CHECK(small.config.real_number("dropout-layers") > 0);
  CHECK(small.optimizer == "adam");
}

TEST_CASE("halving at fixed times and decay at stalls exclude each other; the stronger source decides") {
  CHECK(parse({"--lr-halve", "2", "1"}).lr_decay == 0);
  const TrainOptions options =
      parse({"--preset", "sutskever", "--valid-sets", "v.en", "v.fr", "--lr-decay", "0.5"});
  CHECK(options.lr_halve.empty());
  CHECK(options.lr_decay == 0.5);
  CHECK(refusal({"--lr-halve", "2", "1", "--valid-sets", "v.en", "v.fr", "--lr-decay", "0.5"}) ==
        "--lr-halve and --lr-decay exclude each other: leave one out");
  CHECK(refusal({"--lr-halve", "2", "0"}) == "--lr-halve: '0' is not a number from 0.01 to 1000");
}

TEST_CASE("fields of another family are refused, unless a stronger source chose the family") {
  CHECK(refusal({"--type", "lstm", "--alignment-model", "additive"}) ==
        "--alignment-model is for --type rnnsearch, and this model's is lstm: leave it out");
  CHECK(refusal({"--layers", "2"}) ==
        "--layers is for --type lstm or transformer, and this model's is rnnsearch: leave it out");
  CHECK(refusal_of_config("preset = lstm-small\ndim-align = 3\n") ==
        "my.ini:2: dim-align is for type rnnsearch, and this model's is lstm: leave it out");
  const TemporaryFolder folder;
  const std::string sizes = folder.write("sizes.ini", "dim-align = 3\ndim-rnn = 4\n");
  const TrainOptions options = parse({"--config", sizes, "--type", "lstm"});
  CHECK(options.config.integer("dim-rnn") == 4);
  CHECK_FALSE(holds(to_config(options), "alignment-model"));
}

TEST_CASE("fields that families share have one default value") {
  const std::vector<Field> all = all_fields();
  for (const Family& family : families())
    for (const Field& field : family.fields)
      for (const Field& shared : all)
        if (shared.name == field.name) CHECK_MESSAGE(shared.standard == field.standard, field.name);
}

TEST_CASE("units are chosen for both sides or for each, and change the default of --max-length") {
  CHECK(parse({}).units == Arguments{"words", "words"});
  CHECK(parse({"--units", "words"}).max_length == 50);
  const TrainOptions chars = parse({"--units", "chars"});
  CHECK(chars.units == Arguments{"chars", "chars"});
  CHECK(chars.max_length == 300);
  CHECK(holds(to_config(chars), "units = chars\n"));
  const TrainOptions mixed = parse({"--units", "chars", "words", "--max-length", "40"});
  CHECK(mixed.units == Arguments{"chars", "words"});
  CHECK(mixed.max_length == 40);
  CHECK(holds(to_config(mixed), "units = chars words\n"));
  CHECK_THROWS_AS(parse({"--units", "letters"}), UsageError);
  CHECK(parse({"--preset", "chars"}).units == chars.units);
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

TEST_CASE("label smoothing is of models with one softmax: else its default is 0, and another is refused") {
  CHECK(parse({}).label_smoothing == 0.1);
  for (const std::string kind : {"hard", "transducer"}) {
    CHECK(parse({"--alignment-model", kind}).label_smoothing == 0);
    CHECK(parse({"--alignment-model", kind, "--label-smoothing", "0"}).label_smoothing == 0);
    CHECK(refusal({"--alignment-model", kind, "--label-smoothing", "0.1"}) ==
          "--label-smoothing needs the cost of one softmax, and this model mixes several: leave it out, or "
          "give 0");
  }
}

TEST_CASE("kinds and orders that don't go together are refused before the text is read") {
  CHECK(refusal({"--alignment-model", "transducer", "--decoder-order", "body"}) ==
        "transducer: only with decoder-order authors, not body");
  CHECK(refusal({"--alignment-model", "hard", "--plain"}) ==
        "plain: only with alignment-model additive, not hard");
}

TEST_CASE(
    "sizes of a kind of model that was not chosen are refused, unless a stronger source chose the kind") {
  CHECK(refusal({"--alignment-model", "fixed", "--dim-align", "3"}) ==
        "--dim-align is for --alignment-model additive or hops or hard or transducer, and this model's is "
        "fixed: leave it out");
  CHECK(refusal_of_config("dim-align = 3\nalignment-model = fixed\n") ==
        "my.ini:1: dim-align is for alignment-model additive or hops or hard or transducer, and this model's "
        "is "
        "fixed: leave it out");
  const TemporaryFolder folder;
  const std::string sizes = folder.write("sizes.ini", "dim-align = 3\ndim-rnn = 4\n");
  CHECK(parse({"--config", sizes, "--alignment-model", "fixed"}).config.integer("dim-rnn") == 4);
  const std::string fixed = folder.write("fixed.ini", "alignment-model = fixed\n");
  CHECK(holds(refusal({"--config", fixed, "--dim-align", "3"}), "--dim-align is for"));
}

TEST_CASE("the Transformer's options are for it alone, and its presets are its recipe") {
  CHECK(refusal({"--heads", "8"}) ==
        "--heads is for --type transformer, and this model's is rnnsearch: leave it out");
  CHECK(refusal({"--type", "transformer", "--dim-maxout", "8"}) ==
        "--dim-maxout is for --type rnnsearch, and this model's is transformer: leave it out");
  CHECK(parse({"--type", "transformer", "--heads", "8"}).config.integer("heads") == 8);
  CHECK(
      holds(refusal({"--optimizer", "sgd", "--adam-beta2", "0.9"}), "--adam-beta2 is for --optimizer adam"));
  CHECK(parse({"--preset", "transformer-small", "--optimizer", "sgd"}).optimizer == "sgd");
  CHECK(refusal({"--tied-embeddings", "target", "--dim-emb", "256", "--dim-maxout", "128"}) ==
        "tied-embeddings: an embedding (dim-emb 256) is the output layer's matrix only if that is as wide "
        "(dim-maxout 128): give both one number");
  CHECK(holds(refusal({"--type", "lstm", "--tied-embeddings", "all", "--dim-emb", "8"}), "(dim-rnn 256)"));
  const auto tied = [](const std::vector<std::string>& options) {
    return parse(options).config.text("tied-embeddings");
  };
  CHECK(tied({}) == "target");
  CHECK(tied({"--preset", "rnnsearch-50"}) == "no");
  CHECK(tied({"--preset", "lstm-small"}) == "target");
  CHECK(tied({"--preset", "lstm-small", "--dim-emb", "128"}) == "no");
  CHECK(tied({"--dim-emb", "64"}) == "target");
  CHECK(parse({"--dim-emb", "64"}).config.integer("dim-maxout") == 64);
  CHECK(tied({"--dim-maxout", "64"}) == "no");
  CHECK(tied({"--dim-emb", "64", "--dim-maxout", "32"}) == "no");
  CHECK(holds(refusal({"--tied-embeddings", "all", "--dim-maxout", "32"}), "(dim-maxout 32)"));
  CHECK(holds(refusal({"--type", "transformer", "--tied-embeddings", "all", "--dim-vocabs", "5", "6"}),
              "--dim-vocabs: this model has one vocabulary for both sides: give one number twice"));
  const TrainOptions base = parse({"--preset", "transformer-base"}),
                     small = parse({"--preset", "transformer-small"});
  for (const TrainOptions& o : {base, small}) {
    CHECK(o.config.type == "transformer");
    CHECK(o.adam_beta2 == 0.98);
    CHECK(o.adam_epsilon == 1e-9);
    CHECK(o.label_smoothing == 0.1);
    CHECK(o.decoding.beam_size == 4);
    CHECK(o.decoding.normalize == 0.6);
    CHECK(o.decoding.length_penalty == "gnmt");
  }
  CHECK(base.config.integer("layers") == 6);
  CHECK(base.config.integer("heads") == 8);
  CHECK(base.config.integer("dim-model") == 512);
  CHECK(base.config.integer("dim-ffn") == 2048);
  CHECK(base.config.text("norm") == "post");
  CHECK(base.learn_rate == doctest::Approx(1 / std::sqrt(512 * 4000)));
  CHECK(base.lr_warmup == 4000);
  CHECK(base.lr_decay_inv_sqrt == 4000);
  CHECK(small.config.text("norm") == "pre");
  CHECK(small.learn_rate == doctest::Approx(0.5 / std::sqrt(256 * 500)));
  CHECK(small.lr_warmup == 500);
  CHECK(small.lr_decay_inv_sqrt == 500);
  CHECK(small.config.real_number("dropout") == 0.3);
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
  CHECK(refusal_alone({"--train-sets", "both.tsv", "--model", "m"}).empty());
  CHECK(refusal_alone({"--train-sets", "a", "b", "c", "--model", "m"}) ==
        "--train-sets takes 1 to 2 values, SOURCE TARGET; got 'a' 'b' 'c'");
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

}  // namespace mininmt
