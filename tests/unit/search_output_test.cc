// The lines that mininmt-beam writes, n-best lists read back, and unknown words replaced, by hand.
#include <doctest/doctest.h>

#include "apps/translate/n_best_list.h"
#include "apps/translate/output.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

Vocab vocab_of(const std::vector<std::string>& words) {
  Vocab vocab;
  for (const std::string& word : words) vocab.add(word);
  return vocab;
}

// "a ||| <unk>", 2 source words and </s>.
Hypothesis example() {
  Hypothesis h{{2, 3, kUnk}, -1.5, -0.375, true, {}, {-0.25, -0.5, -0.25, -0.5}, -2};
  h.alpha = {{0.5F, 0.25F, 0.25F}, {0.125F, 0.75F, 0.125F}, {0.1F, 0.2F, 0.7F}, {0, 0, 1}};
  return h;
}

std::string written(const BeamOptions& options, const TargetText& words) {
  return format_output(options, {7, "x y", ""}, {example()}, words);
}

TEST_CASE("fields of the output") {
  const Vocab vocab = vocab_of({"a", "|||"});
  const TargetText words(vocab, vocab);
  BeamOptions options;
  CHECK(written(options, words) == "a ||| <unk>\n");  // no fields: as it is
  options.alignment = "hard";
  CHECK(written(options, words) == "a &#124;&#124;&#124; <unk> ||| 0-0 1-1\n");
  options.alignment = "0.25";
  CHECK(written(options, words) == "a &#124;&#124;&#124; <unk> ||| 0-0 1-0 1-1\n");
  options.word_scores = true;
  CHECK(written(options, words) ==
        "a &#124;&#124;&#124; <unk> ||| 0-0 1-0 1-1 ||| WordScores= -0.250000 -0.500000 "
        "-0.250000 -0.500000\n");
  options.n_best = true;
  options.word_penalty = options.coverage_penalty = 1;
  CHECK(written(options, words) ==
        "7 ||| a &#124;&#124;&#124; <unk> ||| logp= -1.500000 words= 4 coverage= -2.000000 WordScores= "
        "-0.250000 "
        "-0.500000 -0.250000 -0.500000 ||| -0.375000 ||| 0-0 1-0 1-1\n");
  options.n_best = false;
  CHECK(format_output(options, {0, "", ""}, {}, words) == "\n");
  CHECK(format_score(options, -1.5, "0-0", {-1, -0.5}) ==
        "-1.5 ||| 0-0 ||| WordScores= -1.000000 -0.500000\n");
}

TEST_CASE("unknown words are replaced by the word attended to, or by what a lexicon has for it") {
  const TemporaryFolder folder;
  const Vocab vocab = vocab_of({"a", "b"});
  TargetText words(vocab, vocab);
  const auto text = [&](const std::string& prefix) {
    return words.line_of(words.units_of(example(), "x y", prefix));
  };
  CHECK(text("") == "a b <unk>");
  CHECK(text("a B ab") == "a B ab");
  words.replace_unknown({});
  CHECK(text("") == "a b y");  // not </s>, which has more weight
  CHECK(text("a b given") == "a b given");
  const auto read = [&](const std::string& lines) { return Lexicon(folder.write("lexicon", lines), {}); };
  words.replace_unknown(read("y one 0.2\ny two 0.7\nx three\ny four 0.7\n"));
  CHECK(text("") == "a b two");
  words.replace_unknown(read("x three\n"));
  CHECK(text("") == "a b y");
  for (const std::string wrong : {"x\n", "x y z\n", "x y 2\n", "x y 0.5 z\n", "\n"})
    CHECK(message_of<DataError>([&] { read("x y\n" + wrong); }).find("lexicon:2: not of the form") !=
          std::string::npos);
}

TEST_CASE("an n-best list is read as it is written") {
  const TemporaryFolder folder;
  const Vocab vocab = vocab_of({"a", "|||"}), escaped = vocab_of({"a", "&#124;&#124;&#124;"});
  const std::string path =
      folder.write("list", "0 ||| a &#124;&#124;&#124; ||| logp= -1 ||| -2 ||| 0-0\n2 |||  ||| f= 1\n");
  NBestReader reader(path, {}, vocab);
  NBestEntry entry;
  REQUIRE(reader.next(entry));
  CHECK(entry.number == 0);
  CHECK(entry.text == "a |||");
  CHECK(entry.with_feature("score", -0.5) ==
        "0 ||| a &#124;&#124;&#124; ||| logp= -1 score= -0.500000 ||| -2 ||| 0-0");
  REQUIRE(reader.next(entry));
  CHECK(entry.number == 2);
  CHECK(entry.text.empty());
  CHECK(entry.with_feature("s", 2) == "2 |||  ||| f= 1 s= 2.000000");
  CHECK_FALSE(reader.next(entry));
  NBestReader other(path, {}, escaped);
  REQUIRE(other.next(entry));
  CHECK(entry.text == "a &#124;&#124;&#124;");
  for (const std::string wrong :
       {"0 ||| a", "a ||| b ||| c", "-1 ||| b ||| c", "1.5 ||| b ||| c", "", "0 ||| a |||"}) {
    NBestReader bad(folder.write("bad", wrong + "\n"), {}, vocab);
    CHECK(message_of<DataError>([&] { bad.next(entry); }).find("bad:1: ") != std::string::npos);
  }
  NBestReader backwards(folder.write("back", "1 ||| a ||| b\n0 ||| a ||| b\n"), {}, vocab);
  CHECK(backwards.next(entry));
  CHECK_THROWS_AS(backwards.next(entry), DataError);
}

}  // namespace
}  // namespace mininmt
