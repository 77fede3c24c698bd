// The command line of mininmt-beam.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "apps/options/beam_options.h"
#include "tensor/error.h"
#include "tensor/version.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Arguments = std::vector<std::string>;

BeamOptions parse(const std::string& model, const Arguments& more) {
  Arguments all = {"--model", model};
  all.insert(all.end(), more.begin(), more.end());
  return std::get<BeamOptions>(parse_beam_options(all));
}

std::string refusal(const Arguments& more) {
  return message_of<UsageError>([&] { parse("m", more); });
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("defaults of mininmt-beam") {
  const BeamOptions options = parse("m", {});
  CHECK(options.model == "m");
  CHECK(options.input == "-");
  CHECK(options.output == "-");
  CHECK(options.decoding.normalize == 1);
  CHECK(options.decoding.max_length_factor == 3);
  CHECK(options.decoding.min_length_factor == 0);
  CHECK_FALSE(options.decoding.allow_unk);
  CHECK(options.alignment.empty());
}

TEST_CASE("optional values") {
  CHECK(parse("m", {"--alignment"}).alignment == "hard");
  CHECK(parse("m", {"--alignment", "picture", "--n-best"}).alignment == "picture");
  CHECK(parse("m", {"--normalize", "0.6"}).decoding.normalize == 0.6);
  CHECK(parse("m", {"--normalize", "--quiet"}).decoding.normalize == 1);
  CHECK_FALSE(parse("m", {"--n-best=false"}).n_best);
  CHECK_FALSE(parse("m", {"--allow-unk", "false"}).decoding.allow_unk);
}

TEST_CASE("search options saved with the model are defaults, under a config file and the command line") {
  const TemporaryFolder folder;
  folder.write(kSavedOptions,
               "dim-emb = 9\nbeam-size = 12\nnormalize = 0\nmini-batch = 99\nallow-unk = true\n");
  const std::string model = folder.path("");
  const BeamOptions options = parse(model, {});
  CHECK(options.decoding.beam_size == 12);
  CHECK(options.decoding.normalize == 0);
  CHECK(options.decoding.allow_unk);
  CHECK(options.mini_batch == BeamOptions().mini_batch);  // a training option with the same name
  const std::string config = folder.write("my.ini", "beam-size = 3\n");
  CHECK(parse(model, {"--config", config}).decoding.beam_size == 3);
  CHECK(parse(model, {"--config", config, "--beam-size", "2"}).decoding.beam_size == 2);
  CHECK(parse(folder.write("last.safetensors", ""), {}).decoding.beam_size == 12);
  CHECK_FALSE(parse(model, {"--allow-unk=false"}).decoding.allow_unk);
  CHECK(parse(model, {"--score", "f"}).score == "f");
  folder.write(kSavedOptions, "\nbeam-size = 0\n");
  CHECK(holds(message_of<DataError>([&] { parse(model, {}); }), "options.ini:2: beam-size: '0'"));
}

TEST_CASE("damaged options of a model are bad data, with file and line") {
  const TemporaryFolder folder;
  for (const std::string text : {"beam-size = 5\nnonsense\n", "\nbeam-size = x\n", "\nnormalize = \"1\n"}) {
    const std::string file = folder.write(kSavedOptions, text);
    CHECK(holds(message_of<DataError>([&] { parse(folder.path(""), {}); }), file + ":2: "));
  }
  folder.write(kSavedOptions, std::string((1 << 20) + 1, '#'));
  CHECK(holds(message_of<DataError>([&] { parse(folder.path(""), {}); }), "larger than 1 MiB"));
}

TEST_CASE("of options that exclude each other, the command line's switches off the file's") {
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "beam-size = 3\nprefix = p\nreference = r\n");
  const BeamOptions scoring = parse("m", {"--config", file, "--score", "f"});
  CHECK(scoring.score == "f");
  CHECK(scoring.prefix == "");
  CHECK(scoring.reference == "");
  const std::string both = folder.write("both.ini", "quiet = true\nscore = f\nreference = r\n");
  CHECK(holds(refusal({"--config", both}), "both.ini:2: score and reference exclude each other"));
  CHECK(parse("m", {"--config", both, "--reference", "r"}).score == "");
}

TEST_CASE("the length penalty is an option, refused where log p is divided by nothing") {
  CHECK(parse("m", {}).decoding.length_penalty == "power");
  CHECK(parse("m", {"--length-penalty", "gnmt"}).decoding.length_penalty == "gnmt");
  CHECK(holds(refusal({"--length-penalty", "gnmt", "--normalize", "0"}),
              "--length-penalty does nothing without --normalize: add --normalize"));
  const TemporaryFolder folder;
  folder.write(kSavedOptions, "normalize = 0.6\nlength-penalty = gnmt\n");
  CHECK(parse(folder.path(""), {}).decoding.length_penalty == "gnmt");
  CHECK(parse(folder.path(""), {"--normalize", "0"}).decoding.normalize == 0);
}

TEST_CASE("command lines of mininmt-beam that cannot be obeyed") {
  CHECK(holds(message_of<UsageError>([] { parse_beam_options({"--quiet"}); }), "add --model FOLDER"));
  CHECK(holds(refusal({"text.en"}), "--model takes 1 value"));
  CHECK(holds(refusal({"--n-bset"}), "did you mean --n-best?"));
  CHECK(holds(refusal({"--score", "f", "--reference", "g"}), "exclude each other"));
  for (const char* option : {"--beam-size=3", "--normalize", "--length-penalty=gnmt", "--max-length-factor=2",
                             "--min-length-factor=1", "--allow-unk"})
    CHECK_MESSAGE(holds(refusal({"--score", "f", option}), "exclude each other"), option);
  CHECK(holds(refusal({"--score", "-"}), "standard input"));
  CHECK(holds(refusal({"--input", "x", "--output", "./x"}), "overwrite"));
  CHECK(holds(refusal({"--reference", "d/../x", "--output", "x"}), "overwrite"));
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "input = x\noutput = x\n"),
                    score = folder.write("score.ini", "score = -\n");
  CHECK(holds(refusal({"--config", file}), "my.ini:2: output 'x' would overwrite"));
  CHECK(holds(refusal({"--config", score}), "score.ini:1: score is standard input"));
  CHECK(holds(refusal({"--beam-size", "0"}), "from 1 to 1000"));
  CHECK(holds(refusal({"--alignment", "medium"}), "'medium' is not one of hard, soft, picture"));
}

TEST_CASE("options of word alignment") {
  const BeamOptions options = parse(
      "m", {"--score", "f", "--alignment", "--alignment-reference", "r", "--alignment-symmetrize", "n"});
  CHECK(options.alignment == "hard");
  CHECK(options.alignment_reference == "r");
  CHECK(options.alignment_symmetrize == "n");
  CHECK(parse("m", {"--score", "f", "--alignment", "soft", "--alignment-reference", "r"}).alignment ==
        "soft");
  for (const char* option : {"--alignment-reference", "--alignment-symmetrize"})
    CHECK(holds(refusal({"--alignment", option, "r"}),
                join(option, " does nothing without --score: add --score FILE")));
  CHECK(holds(
      refusal({"--score", "f", "--alignment-symmetrize", "n"}),
      "--alignment-symmetrize does nothing without --alignment hard or --alignment-reference FILE: add one"));
  CHECK(holds(refusal({"--score", "f", "--alignment-symmetrize", "n", "--alignment", "picture"}),
              "--alignment-symmetrize joins links, not weights: with --alignment it can only be hard"));
  CHECK(holds(refusal({"--score", "f", "--reference", "g", "--alignment-reference", "r"}),
              "exclude each other"));
  CHECK(holds(refusal({"--score", "f", "--alignment-reference", "r", "--output", "r"}),
              "would overwrite what is read"));
  CHECK(holds(refusal({"--score", "f", "--alignment-reference", "-"}),
              "--alignment-reference is standard input"));
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "quiet = true\nalignment-reference = r\n");
  CHECK(holds(refusal({"--config", file}), "my.ini:2: alignment-reference does nothing without score"));
  CHECK(parse("m", {"--config", file, "--score", "f"}).alignment_reference == "r");
  CHECK(holds(refusal({"--score", "f", "--alignment", "--alignment-symmetrize", folder.path(""), "--output",
                       folder.path("last.safetensors")}),
              "a file of the model"));
}

TEST_CASE("options of other searches") {
  const BeamOptions options = parse(
      "m", {"--prefix", "p", "--no-repeat", "3", "--min-words", "2", "--max-words", "9", "--word-penalty",
            "-0.5", "--coverage-penalty", "0.2", "--diversity", "1.5", "--allow-unk", "--replace-unk"});
  CHECK(options.prefix == "p");
  CHECK(options.no_repeat == 3);
  CHECK(options.min_words == 2);
  CHECK(options.max_words == 9);
  CHECK(options.word_penalty == -0.5);
  CHECK(options.coverage_penalty == 0.2);
  CHECK(options.diversity == 1.5);
  CHECK(options.replace_unk == kCopyUnknown);
  CHECK(parse("m", {"--allow-unk", "--replace-unk", "lex"}).replace_unk == "lex");
  CHECK(holds(refusal({"--replace-unk"}), "--replace-unk does nothing without --allow-unk: add --allow-unk"));
  for (const char* option : {"--word-penalty=1", "--coverage-penalty=1", "--diversity=1"}) {
    CHECK_MESSAGE(holds(refusal({option, "--beam-size", "1"}), "does nothing with a beam of 1"), option);
    CHECK_MESSAGE(holds(refusal({option, "--sampling"}), "exclude each other"), option);
  }
  for (const char* option : {"--prefix=p", "--no-repeat=1", "--min-words=1", "--max-words=1",
                             "--word-penalty=1", "--coverage-penalty=1", "--diversity=1", "--sampling"})
    CHECK_MESSAGE(holds(refusal({"--score", "f", option}), "exclude each other"), option);
  CHECK(parse("m", {"--skip-positions", "0.001"}).skip_positions == 0.001);
  CHECK(holds(refusal({"--skip-positions", "1"}), "from 0 to 0.99"));
  CHECK(holds(refusal({"--score", "f", "--skip-positions=0.1"}), "exclude each other"));
  CHECK(holds(refusal({"--max-words", "3", "--skip-positions=0.1"}), "exclude each other"));
  CHECK(holds(refusal({"--min-words", "3", "--max-words", "2"}), "--min-words 3 is above --max-words 2"));
  CHECK_NOTHROW(parse("m", {"--min-words", "3", "--max-words", "3"}));
  CHECK(holds(refusal({"--prefix", "-"}), "--prefix is standard input, and so is --input"));
  CHECK(holds(refusal({"--prefix", "p", "--output", "p"}), "would overwrite what is read"));
  CHECK(holds(refusal({"--coverage-penalty", "-1"}), "from 0 to 1000"));
}

TEST_CASE("options of sampling") {
  const BeamOptions options =
      parse("m", {"--sampling", "--temperature", "0.7", "--top-k", "10", "--top-p", "0.9", "--seed", "7"});
  CHECK(options.sampling);
  CHECK(options.temperature == 0.7);
  CHECK(options.top_k == 10);
  CHECK(options.top_p == 0.9);
  CHECK(options.seed == 7);
  for (const char* option : {"--temperature=2", "--top-k=2", "--top-p=0.5", "--seed=2"})
    CHECK_MESSAGE(holds(refusal({option}), "does nothing without --sampling"), option);
  CHECK(holds(refusal({"--sampling", "--beam-size", "3"}), "--beam-size does nothing with --sampling"));
  CHECK_NOTHROW(parse("m", {"--sampling", "--beam-size", "3", "--n-best"}));
  CHECK(holds(refusal({"--sampling", "--top-p", "0"}), "from 1e-06 to 1"));
  CHECK(holds(refusal({"--sampling", "--serve", "8080", "--languages", "en", "fr"}),
              "--serve and --sampling exclude each other"));  // lines have no number there
}

TEST_CASE("options of several models") {
  const auto ensemble = [](const Arguments& more) {
    Arguments all = {"--models", "m", "n"};
    all.insert(all.end(), more.begin(), more.end());
    return std::get<BeamOptions>(parse_beam_options(all));
  };
  const auto refused = [&](const Arguments& more) { return message_of<UsageError>([&] { ensemble(more); }); };
  CHECK(ensemble({}).models == Arguments{"m", "n"});
  CHECK(ensemble({}).model == "m");
  CHECK(ensemble({"--weights", "1", "0.5"}).weights == std::vector{1.0, 0.5});
  CHECK(holds(refused({"--weights", "1"}), "--weights are 1, but there are 2 models"));
  CHECK(holds(refused({"--weights", "0", "0"}), "--weights are all 0"));
  CHECK(holds(refused({"--model", "k"}), "--model and --models exclude each other"));
  CHECK(holds(refusal({"--weights", "1"}), "--weights does nothing without --models"));
  CHECK(holds(message_of<UsageError>([] {
                parse_beam_options({"--models", "m"});
              }),
              "--models takes 2 to 64 values"));
  CHECK(ensemble({"--average", "a"}).average == "a");
  for (const char* option : {"--n-best", "--input=x", "--beam-size=2"})
    CHECK_MESSAGE(holds(refused({"--average", "a", option}), "does nothing with --average"), option);
  const TemporaryFolder folder;
  const std::string file = folder.write("my.ini", "model = k\n");
  CHECK(ensemble({"--config", file}).model == "m");
  CHECK(holds(refused({"--output", "n/source.vocab"}), "a file of the model"));
}

TEST_CASE("options of n-best lists and of word scores") {
  CHECK(parse("m", {"--score", "f", "--n-best"}).n_best);
  CHECK(parse("m", {"--score", "f", "--n-best", "--n-best-feature", "lm"}).n_best_feature == "lm");
  for (const Arguments& less : {Arguments{}, {"--n-best"}, {"--score", "f"}}) {
    Arguments all = less;
    all.insert(all.end(), {"--n-best-feature", "lm"});
    CHECK(holds(refusal(all), "--n-best-feature does nothing without --score and --n-best"));
  }
  for (const char* option : {"--alignment=hard", "--alignment-reference=r", "--word-scores"})
    CHECK_MESSAGE(
        holds(refusal({"--score", "f", "--n-best", option}), "has no place in the scores of an n-best list"),
        option);
  CHECK(parse("m", {"--word-scores"}).word_scores);
  CHECK(holds(refusal({"--word-scores", "--alignment", "picture"}), "no place in a picture"));
  CHECK(parse("m", {"--alignment", "0.3"}).alignment == "0.3");
  CHECK(holds(refusal({"--alignment", "1.5"}), "'1.5' is not a number from 0.001 to 1"));
}

TEST_CASE("one stream is not read for two things") {
  for (const char* other : {"--score", "--reference"}) {
    CHECK(holds(refusal({other, "-"}), join(other, " is standard input, and so is --input: name a file")));
    CHECK_NOTHROW(parse("m", {other, "-", "--input", "f"}));
    CHECK_NOTHROW(parse("m", {other, "f"}));
  }
  const TemporaryFolder folder;
  const std::string pipe = folder.path("fifo"), link = folder.path("link"), file = folder.write("file", "a");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink(pipe, link);
  CHECK(holds(refusal({"--input", pipe, "--reference", link}),
              "--reference is '" + link + "', and so is --input"));
  CHECK(holds(refusal({"--input", pipe, "--score", pipe}), "and so is --input"));
  CHECK_NOTHROW(parse("m", {"--input", file, "--reference", file}));
}

TEST_CASE("--output is no file of the model, no config file and no input, whatever it is called") {
  const TemporaryFolder folder;
  const std::string model = folder.path("m"), config = folder.write("my.ini", "quiet = true\n");
  std::filesystem::create_directory(model);
  const auto clash = [&](const std::string& output, const Arguments& more = {}) {
    Arguments all = {"--output", output};
    all.insert(all.end(), more.begin(), more.end());
    return message_of<UsageError>([&] { parse(model, all); });
  };
  for (const std::string name : {"model.safetensors", "last.safetensors", "checkpoint.safetensors",
                                 "source.vocab", "target.vocab", "options.ini"}) {
    CAPTURE(name);
    CHECK(holds(clash(model + "/" + name), "a file of the model"));  // not there yet
    folder.write("m/" + name, "");
    const std::string hard = folder.path("hard-" + name), soft = folder.path("soft-" + name);
    std::filesystem::create_hard_link(model + "/" + name, hard);
    std::filesystem::create_symlink(model + "/" + name, soft);
    for (const std::string& other : {model + "/" + name, model + "/./../m/" + name, hard, soft})
      CHECK_MESSAGE(holds(clash(other), "a file of the model"), other);
    CHECK(clash(folder.path(name)).empty());
  }
  folder.write("blob", "");  // the model's file is a link
  std::filesystem::create_symlink(folder.path("blob"), model + "/extra.safetensors");
  CHECK(holds(clash(folder.path("blob")), "a file of the model"));
  CHECK(clash(model + "/translations").empty());
  CHECK(holds(message_of<UsageError>([&] {
                parse(model + "/last.safetensors", {"--output", model + "/source.vocab"});
              }),
              "a file of the model"));
  CHECK(holds(clash(config, {"--config", config}), "what is read"));
}

TEST_CASE("the help of mininmt-beam fits a screen and names only options there are") {
  const Reply help = std::get<Reply>(parse_beam_options({"--model", "m", "--help"}));
  CHECK(help.exit_code == 0);
  std::istringstream lines(help.text);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(count <= 40);
  const std::string all = std::get<Reply>(parse_beam_options({"--help-all"})).text;
  for (std::size_t at = help.text.find("--"); at != std::string::npos; at = help.text.find("--", at + 2)) {
    const std::string name =
        help.text.substr(at, help.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at) - at);
    CAPTURE(name);
    CHECK(holds(all, "  " + name + " "));
  }
  CHECK(std::get<Reply>(parse_beam_options({})).exit_code == 2);
  CHECK(std::get<Reply>(parse_beam_options({"--version"})).text == join("mininmt-beam ", kVersion, "\n"));
}

}  // namespace
}  // namespace mininmt
