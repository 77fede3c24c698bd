#include "apps/options/toy_options.h"

#include <climits>

#include "apps/options/options.h"

namespace mininmt {
namespace {

constexpr int kMostSentences = 10'000'000;  // a gigabyte of sentences, kept to detect repeats

constexpr char kUsage[] = R"(usage: mininmt-toy --output FOLDER [options]
mininmt-toy --help explains the options.
)";

constexpr char kHelp[] = R"(mininmt-toy writes a small English-French corpus that a grammar makes. The files
train.en, train.fr, valid.en, valid.fr, test.en and test.fr hold tokenized text,
one sentence a line, 3 to 50 words a sentence. No English sentence occurs twice,
so none of valid and test is in train. The same seed gives the same files on
every machine.

  --output FOLDER              where the files go; made if missing (required)
  --train N                    sentences to train on [{train}]
  --valid N                    sentences to validate on [{valid}]
  --test N                     sentences held out to test [{test}]
  --test-lengths mixed|even    of the test sentences: as in the rest, mostly
                               short, or every length equally often, to compare
                               lengths [{test-lengths}]
  --seed N                     seed of the random draws [{seed}]

Example:
  mininmt-toy --output toy --train 20000

--config FILE reads lines "name = value"; --help-all lists all options.
)";

}  // namespace

Parsed<ToyOptions> parse_toy_options(const std::vector<std::string>& arguments) {
  ToyOptions options;
  OptionSet set("mininmt-toy");
  set.group("Options");
  set.add("output", options.output, kind::name("FOLDER"), "where the files go; made if missing");
  set.add("train", options.train, kind::integer({0, kMostSentences}), "sentences to train on");
  set.add("valid", options.valid, kind::integer({0, kMostSentences}), "sentences to validate on");
  set.add("test", options.test, kind::integer({0, kMostSentences}), "sentences held out to test");
  set.add("test-lengths", options.test_lengths, kind::choice({"mixed", "even"}),
          "of the test sentences: as in the rest, mostly short, or every length equally often");
  set.add("seed", options.seed, kind::integer({0, INT_MAX}), "seed of the random draws");
  set.add_general();
  if (const auto reply = set.read(arguments, kHelp, kUsage)) return *reply;
  set.require("output", "a folder for the corpus");
  return options;
}

}  // namespace mininmt
