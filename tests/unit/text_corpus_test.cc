#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/text/corpus.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Ids = std::vector<Id>;

Vocab vocab_of(std::initializer_list<const char*> words) {
  Vocab vocab;
  for (const auto* word : words) vocab.add(word);
  return vocab;
}

Ids ids(std::span<const Id> sentence) { return {sentence.begin(), sentence.end()}; }

struct Fixture {
  TemporaryFolder folder;
  Vocab source_vocab = vocab_of({"a", "b", "c"});
  Vocab target_vocab = vocab_of({"x", "y"});
  CorpusReport report;

  ParallelCorpus read(const std::string& source, const std::string& target, std::size_t max_length) {
    return ParallelCorpus::read(folder.write("s", source), folder.write("t", target), source_vocab,
                                target_vocab, max_length, report);
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE_FIXTURE(Fixture, "pairs become ids; empty and long ones are dropped and counted") {
  const ParallelCorpus corpus = read(
      "a b c\n"     // kept: 3 words, the limit
      "\n"          // empty source
      "a b c a\n"   // source too long
      "b\n"         // target too long
      "c q\n"       // kept, one unknown
      " \t\n"       // both empty
      "a\n"         // empty target
      "a a a a\n",  // too long, but its target is empty: counted once, as empty
      "x y\n x\n x\n x x x x\n y\n\n\n \n", 3);
  REQUIRE(corpus.size() == 2);
  CHECK(ids(corpus.source(0)) == Ids{2, 3, 4, kEos});
  CHECK(ids(corpus.target(0)) == Ids{2, 3, kEos});
  CHECK(ids(corpus.source(1)) == Ids{4, kUnk, kEos});
  CHECK(ids(corpus.target(1)) == Ids{3, kEos});
  CHECK(report.lines == 8);
  CHECK(report.kept == 2);
  CHECK(report.empty == 4);
  CHECK(report.too_long == 2);
  CHECK(report.source_words == 5);
  CHECK(report.target_words == 3);
  CHECK(report.source_unknown == 1);
  CHECK(report.target_unknown == 0);
}

TEST_CASE_FIXTURE(Fixture, "a maximum length of 0 is no limit") {
  std::string line;
  for (int i = 0; i < 5000; ++i) line += "a ";
  CHECK(read(line, "x", 0).source(0).size() == 5001);
}

TEST_CASE_FIXTURE(Fixture, "different line counts are refused before anything else") {
  const std::string message = message_of<DataError>([&] { read("a\nb\nc\n", "x\ny\n", 0); });
  CHECK(contains(message, folder.path("s") + " has 3 lines"));
  CHECK(contains(message, folder.path("t") + " has 2"));
  CHECK(check_line_counts(folder.write("s", "a\nb"), folder.write("t", "x\ny\n")) == 2);
}

TEST_CASE_FIXTURE(Fixture, "a corpus of nothing is refused") {
  CHECK(contains(message_of<DataError>([&] { read("", "", 0); }), "empty"));
  const std::string message = message_of<DataError>([&] { read("a b\n\n", "x\ny\n", 1); });
  CHECK(contains(message, "no pair is left of 2: 1 have an empty side, 1 have more than 1 words"));
}

TEST_CASE_FIXTURE(Fixture, "a missing file and bytes that are not UTF-8") {
  CHECK_THROWS_AS(
      ParallelCorpus::read(folder.path("no"), folder.write("t", "x"), source_vocab, target_vocab, 0, report),
      IoError);
  CHECK(contains(message_of<DataError>([&] { read("a\nb\n", "x\n\xFF\n", 0); }), folder.path("t") + ":2"));
}

TEST_CASE("a sentence that doesn't end in </s> is refused") {
  ParallelCorpus corpus;
  CHECK_THROWS_AS(corpus.add(Ids{2, 3}, Ids{2, kEos}), Error);
  CHECK_THROWS_AS(corpus.add(Ids{2, kEos}, Ids{}), Error);
  corpus.add(Ids{2, kEos}, Ids{3, kEos});
  CHECK(corpus.size() == 1);
}

}  // namespace
}  // namespace mininmt
