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

TEST_CASE_FIXTURE(Fixture, "a corpus on disk is the same, and leaves nothing behind") {
  std::string source, target;
  for (int i = 0; i < 300'000; ++i) {  // more than is written at once
    source += i % 3 == 0 ? "a b\n" : "c\n";
    target += i % 7 == 0 ? "x\n" : "y y x\n";
  }
  const ParallelCorpus in_memory = read(source, target, 0);
  const std::string files[] = {folder.path("s"), folder.path("t")};
  const auto on_disk = [&](const std::string& where) {
    return ParallelCorpus::read(files[0], files[1], source_vocab, target_vocab, 0, report, {}, 0, where);
  };
  const ParallelCorpus found = on_disk(folder.path("")), copy = found;
  CHECK(found.size() == in_memory.size());
  CHECK(copy.checksum() == in_memory.checksum());
  for (const std::size_t i : {0, 1, 150'000, 299'999}) {
    CHECK(ids(copy.source(i)) == ids(in_memory.source(i)));
    CHECK(ids(copy.target(i)) == ids(in_memory.target(i)));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path("")), {}) == 2);  // s and t
  CHECK_THROWS_AS(on_disk(folder.path("nowhere")), IoError);
  CHECK_THROWS_AS(on_disk(files[0]), IoError);
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

TEST_CASE_FIXTURE(Fixture, "one file of both sides: a source, a tab, a target") {
  const auto read_both = [&](const std::string& both) {
    return ParallelCorpus::read(folder.write("both.tsv", both), "", source_vocab, target_vocab, 0, report);
  };
  const ParallelCorpus corpus = read_both("a b\tx\n c \t y\r\n\tx\n");
  REQUIRE(corpus.size() == 2);
  CHECK(ids(corpus.source(1)) == Ids{4, kEos});
  CHECK(ids(corpus.target(1)) == Ids{3, kEos});
  CHECK(report.empty == 1);
  const std::string path = folder.path("both.tsv");
  CHECK(contains(message_of<DataError>([&] { read_both("a\tx\nb x\n"); }), path + ":2: no tab"));
  CHECK(contains(message_of<DataError>([&] { read_both("a\tx\ty\n"); }), path + ":1: more than one tab"));
  CHECK(contains(message_of<DataError>([&] { read_both("a\tx\n\n"); }), path + ":2: no tab"));
  CHECK(contains(message_of<DataError>([&] { read_both(""); }), path + " is empty"));
  CHECK(count_words(folder.write("both.tsv", "a\tx y\n"), "").target.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a maximum length of 0 is no limit") {
  std::string line;
  for (int i = 0; i < 5000; ++i) line += "a ";
  CHECK(read(line, "x", 0).source(0).size() == 5001);
}

TEST_CASE_FIXTURE(Fixture, "different line counts are refused, with both") {
  const std::string message = message_of<DataError>([&] { read("a\nb\nc\n", "x\ny\n", 0); });
  CHECK(contains(message, folder.path("s") + " has 3 lines"));
  CHECK(contains(message, folder.path("t") + " has 2"));
  CHECK(contains(message_of<DataError>([&] { read("a\nb\n", "x\ny\nx\nx\n", 0); }), " has 2 lines and "));
  CHECK(contains(message_of<DataError>([&] { count_words(folder.path("s"), folder.path("t")); }), "t has 4"));
}

TEST_CASE_FIXTURE(Fixture, "words of both sides are counted in one reading") {
  const PairCounts counts = count_words(folder.write_gzipped("s.gz", "b a\nb\n"), folder.write("t", "x\n\n"));
  CHECK(counts.lines == 2);
  CHECK(counts.source.vocab().decode(Ids{2, 3}) == "b a");
  CHECK(counts.target.vocab().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a file that shrinks or grows between two readings is named, with both counts") {
  const std::string source = folder.write("s", "a\nb\nc\n"), target = folder.write("t", "x\ny\nx\n");
  const std::size_t counted = count_words(source, target).lines;
  const auto read_again = [&] {
    return ParallelCorpus::read(source, target, source_vocab, target_vocab, 0, report, {}, counted);
  };
  CHECK(read_again().size() == 3);
  for (const char* other : {"x\ny\n", "x\ny\nx\ny\n"}) {
    folder.write("t", other);
    const std::string message = message_of<DataError>(read_again);
    CHECK(contains(message, target + " had 3 lines"));
    CHECK(contains(message, other[4] == 0 ? "has 2 now" : "has 4 now"));
  }
  folder.write("s", "a\nb\n");  // both by the same amount, so their lines still match
  folder.write("t", "x\ny\n");
  CHECK(contains(message_of<DataError>(read_again), source + " had 3 lines"));
  folder.write("s", "");
  CHECK(contains(message_of<DataError>(read_again), "has 0 now"));
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

TEST_CASE("the checksum of a corpus depends on every id and on where sentences end") {
  const auto checksum = [](const std::vector<std::pair<Ids, Ids>>& pairs) {
    ParallelCorpus corpus;
    for (const auto& [source, target] : pairs) corpus.add(source, target);
    return corpus.checksum();
  };
  const std::string sum = checksum({{{2, 3, kEos}, {4, kEos}}, {{5, kEos}, {6, 7, kEos}}});
  CHECK(sum == checksum({{{2, 3, kEos}, {4, kEos}}, {{5, kEos}, {6, 7, kEos}}}));
  CHECK(sum != checksum({{{2, 4, kEos}, {4, kEos}}, {{5, kEos}, {6, 7, kEos}}}));
  CHECK(sum != checksum({{{2, 3, kEos}, {4, kEos}}, {{5, kEos}, {6, 8, kEos}}}));
  CHECK(sum != checksum({{{5, kEos}, {6, 7, kEos}}, {{2, 3, kEos}, {4, kEos}}}));
  CHECK(sum != checksum({{{2, 3, kEos}, {4, kEos}}}));
}

}  // namespace
}  // namespace mininmt
