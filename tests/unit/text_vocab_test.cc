#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/vocab.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Ids = std::vector<Id>;

Vocab small_vocab() {
  Vocab vocab;
  for (const auto* word : {"the", "cat", "sat"}) vocab.add(word);
  return vocab;
}

TEST_CASE("words and ids") {
  const Vocab vocab = small_vocab();
  CHECK(vocab.size() == 5);
  CHECK(vocab.word(kEos) == "</s>");
  CHECK(vocab.word(kUnk) == "<unk>");
  CHECK(vocab.id("the") == 2);
  CHECK(vocab.id("sat") == 4);
  CHECK(vocab.id("dog") == kUnk);
  CHECK(vocab.id("") == kUnk);
  CHECK(vocab.word(3) == "cat");
  CHECK_THROWS_AS((void)vocab.word(5), Error);
  CHECK_THROWS_AS((void)vocab.word(-1), Error);
}

TEST_CASE("a line becomes ids and </s>, and back") {
  const Vocab vocab = small_vocab();
  CHECK(vocab.encode("the cat sat") == Ids{2, 3, 4, kEos});
  CHECK(vocab.encode("  the\tdog ") == Ids{2, kUnk, kEos});
  CHECK(vocab.encode("") == Ids{kEos});
  CHECK(vocab.encode("the </s> cat <unk>") == Ids{2, kUnk, 3, kUnk, kEos});
  CHECK(vocab.decode(Ids{2, 3, 4, kEos}) == "the cat sat");
  CHECK(vocab.decode(Ids{2, kUnk, 3}) == "the <unk> cat");
  CHECK(vocab.decode(Ids{2, kEos, 3}) == "the");
  CHECK(vocab.decode(Ids{kEos}).empty());
  CHECK_THROWS_AS(vocab.decode(Ids{2, 99}), Error);
}

TEST_CASE("adding a word twice, or what is no word") {
  Vocab vocab = small_vocab();
  CHECK_FALSE(vocab.add("cat"));
  CHECK_FALSE(vocab.add("</s>"));
  CHECK(vocab.size() == 5);
  for (const auto* bad : {"", " ", "two words", "line\nend", " the"})
    CHECK_THROWS_AS(vocab.add(bad), DataError);
}

TEST_CASE("many words keep their ids, in a copy too") {
  Vocab vocab;
  for (int i = 0; i < 100000; ++i) REQUIRE(vocab.add("w" + std::to_string(i * 7)));
  const Vocab copy = vocab;
  vocab = Vocab();
  for (int i = 0; i < 100000; ++i) {
    const std::string word = "w" + std::to_string(i * 7);
    if (copy.id(word) != i + 2 || copy.word(i + 2) != word) FAIL(word);
  }
  CHECK(copy.id("w1") == kUnk);
}

TEST_CASE("the most frequent words come first, ties in the order of their bytes") {
  WordCounts counts;
  for (const auto* line : {"b a c é", "a b <unk> </s> z", "a Z </s>"}) counts.add_line(line);
  const auto words = [](const Vocab& vocab) {
    std::string text;
    for (std::size_t i = 0; i < vocab.size(); ++i) text += std::string(vocab.word(static_cast<Id>(i))) + " ";
    return text;
  };
  CHECK(words(counts.vocab()) == "</s> <unk> a b Z c z é ");
  CHECK(words(counts.vocab(5)) == "</s> <unk> a b Z ");
  CHECK(words(counts.vocab(3)) == "</s> <unk> a ");
  CHECK(words(counts.vocab(1000)) == "</s> <unk> a b Z c z é ");
  CHECK_THROWS_AS(counts.vocab(2), UsageError);
  CHECK_THROWS_AS(counts.vocab(1), UsageError);
}

TEST_CASE("words are counted over files") {
  const TemporaryFolder folder;
  WordCounts counts;
  counts.add_file(folder.write("one", "x y\ny\n"));
  counts.add_file(folder.write_gzipped("two.gz", "z y z z z\n"));
  const Vocab vocab = counts.vocab();
  CHECK(vocab.id("z") == 2);
  CHECK(vocab.id("y") == 3);
  CHECK(vocab.id("x") == 4);
}

TEST_CASE("the counts of two texts add up to one vocabulary") {
  WordCounts source, target;
  source.add_line("a b b c c");
  target.add_line("a a a c");
  source.add(target);
  const Vocab vocab = source.vocab();
  CHECK(vocab.size() == 5);
  CHECK(vocab.id("a") == 2);  // 4 times
  CHECK(vocab.id("c") == 3);  // 3 times
  CHECK(vocab.id("b") == 4);
}

TEST_CASE("a vocabulary file is read as it was saved, whatever text it came from") {
  const TemporaryFolder folder;
  const std::string path = folder.path("source.vocab");
  small_vocab().save(path);
  CHECK(read_whole(path) == "</s>\n<unk>\nthe\ncat\nsat\n");

  std::mt19937 random(5);
  WordCounts counts;
  for (int i = 0; i < 3000; ++i) {
    std::string line = "with mostly NULs it would be UTF-16";
    for (int j = 0; j < 10; ++j) line += " \t\r\v\f\0abé\uFEFF\u2028"[random() % 16];
    const std::string text = folder.write("text", line);
    counts.add_file(text, {.replace_invalid_utf8 = true});
  }
  const Vocab vocab = counts.vocab();
  vocab.save(path);
  const Vocab loaded = Vocab::load(path);
  REQUIRE(loaded.size() == vocab.size());
  CHECK(vocab.size() > 100);
  for (Id id = 0; id < static_cast<Id>(vocab.size()); ++id) CHECK(loaded.word(id) == vocab.word(id));
}

TEST_CASE("a vocabulary file that isn't one is refused with file and line") {
  const TemporaryFolder folder;
  const std::string path = folder.path("v");
  const auto refused_at = [&](std::string_view contents) -> int {
    folder.write("v", contents);
    const std::string message = message_of<DataError>([&] { Vocab::load(path); });
    return message.starts_with(path + ":") ? std::stoi(message.substr(path.size() + 1)) : 0;
  };
  CHECK(refused_at("") == 1);
  CHECK(refused_at("the\ncat\n") == 1);
  CHECK(refused_at("</s>\n") == 2);
  CHECK(refused_at("</s>\nthe\n") == 2);
  CHECK(refused_at("</s>\n<unk>\nthe\n\ncat\n") == 4);
  CHECK(refused_at("</s>\n<unk>\nthe\nthe cat\n") == 4);
  CHECK(refused_at("</s>\n<unk>\nthe\ncat \n") == 4);
  CHECK(refused_at("</s>\n<unk>\nthe\ncat\nthe\n") == 5);
  CHECK(refused_at("</s>\n<unk>\n</s>\n") == 3);
  CHECK(refused_at("</s>\n<unk>\ncaf\xE9\n") == 3);
  CHECK(refused_at("</s>\n<unk>\n") == 0);
  CHECK_THROWS_AS(Vocab::load(folder.path("missing")), IoError);
}

}  // namespace
}  // namespace mininmt
