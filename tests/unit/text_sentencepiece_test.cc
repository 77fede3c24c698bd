// Pieces of words; without the SentencePiece library, that this is said.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/linked_weights.h"
#include "apps/text/sentencepiece.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/text_units.h"

namespace mininmt {
namespace {

using Texts = std::vector<std::string>;

// 60 lines of words with common beginnings and ends.
std::string text() {
  std::string lines;
  const Texts stems = {"walk", "talk", "jump", "look", "play"}, ends = {"", "s", "ed", "ing"};
  for (const std::string& a : stems)
    for (const std::string& b : ends)
      for (const char* c : {"the dog ", "a cat, ", "été, "})
        lines.append(c).append(a).append(b).append(".\n");
  return lines;
}

const TemporaryFolder& folder() {
  static const TemporaryFolder made;
  return made;
}

NextLine lines_of(const std::string& contents) {
  const auto reader = std::make_shared<LineReader>(folder().write("text", contents));
  return [reader](std::string& line) { return reader->next(line); };
}

std::shared_ptr<const Units> learn(const std::string& type, std::size_t size, std::size_t lines = 60) {
  return learn_pieces(lines_of(text()), "text", {type, size, lines, 20});
}

TEST_CASE("without the library pieces are refused with the reason" * doctest::skip(has_sentencepiece())) {
  CHECK(message_of<UsageError>([] { learn("unigram", 100); }).find("libsentencepiece-dev") !=
        std::string::npos);
  CHECK_THROWS_AS(pieces("", "x"), UsageError);
}

TEST_CASE("pieces are learned, the same every time" * doctest::skip(!has_sentencepiece())) {
  for (const std::string type : {"unigram", "bpe"}) {
    const auto units = learn(type, 60);
    CHECK(units->name() == kPieces);
    CHECK(units->are_of_raw_text());
    CHECK(learn(type, 60)->model() == units->model());
    const Vocab vocab = Vocab::of_all(units);
    CHECK(vocab.size() <= 60);
    CHECK(vocab.size() > 25);
    CHECK(back(*units, "the  dog walks. été") == "the dog walks. été");
    CHECK(units->split("walked.").size() < 8);
    CHECK(vocab.decode(vocab.encode("a cat, jumped.")) == "a cat, jumped.");
    const std::string path = folder().write("model", units->model()), list = folder().path("list");
    CHECK(read_vocab(path, kPieces).checksum() == vocab.checksum());
    vocab.save(list);
    CHECK(Vocab::load(list, units).checksum() == vocab.checksum());
    CHECK(Vocab::load(list, learn(type == "bpe" ? "unigram" : "bpe", 60)).checksum() != vocab.checksum());
  }
  CHECK(learn("bpe", 60)->model() != learn("unigram", 60)->model());
}

TEST_CASE("of long text every n-th line counts" * doctest::skip(!has_sentencepiece())) {
  CHECK(learn("bpe", 60, 2 * kMostLinesForPieces)->model() != learn("bpe", 60)->model());
}

TEST_CASE("what is no text or no model is refused" * doctest::skip(!has_sentencepiece())) {
  CHECK_THROWS_AS(pieces("nonsense", "x.model"), DataError);
  CHECK_THROWS_AS(pieces("", "x.model"), DataError);
  CHECK_THROWS_AS(read_vocab(folder().path("none"), kPieces), IoError);
  CHECK_THROWS_AS(learn_pieces(lines_of("\n\n"), "empty", {"unigram", 100, 2, 0}), UsageError);
  CHECK_THROWS_AS(learn_pieces(lines_of("a\n\xFF\n"), "bytes", {"unigram", 100, 2, 1}), DataError);
  CHECK_THROWS_AS(learn("bpe", 5), UsageError);  // not even the characters fit
}

TEST_CASE("nasty lines" * doctest::skip(!has_sentencepiece())) {
  const auto units = learn("unigram", 60);
  CHECK(units->split("").empty());
  CHECK(units->split(" \t \r ").empty());
  CHECK(units->split("\u00A0\u3000").empty());  // normalised to spaces
  for (const std::string& line :
       {std::string(10000, 'w'), std::string("</s> <unk> <0x41>"), std::string("\u2581"),
        std::string("\v\x01\u2028\uFEFFa"), std::string("\U0001F468\u200D\U0001F469")}) {
    const Vocab vocab = Vocab::of_all(units);
    const auto ids = vocab.encode(line);
    CHECK(std::count(ids.begin(), ids.end(), kEos) == 1);
    CHECK_NOTHROW((void)vocab.decode(ids));
    for (const std::string& unit : units->split(line)) CHECK(is_one_word(unit));
    const Linked linked = units->linked(line);
    CHECK(linked.of_unit.size() == ids.size() - 1);
    for (const std::size_t word : linked.of_unit) CHECK(word < linked.names.size());
  }
}

TEST_CASE("pieces of a word link the word" * doctest::skip(!has_sentencepiece())) {
  const auto units = learn("unigram", 60);
  const Texts split = {"\u2581wal", "k", "ed", "\u2581", "the", "\u2581dog", "."};
  const Linked linked = units->linked(split);
  CHECK(linked.names == Texts{"walked", "the", "dog."});
  CHECK(linked.of_unit == std::vector<std::size_t>{0, 0, 0, 1, 1, 2, 2});
  CHECK(units->linked(Texts{"\u2581"}).names == Texts{""});
  CHECK(units->linked(Texts{}).names.empty());
}

TEST_CASE("the weights between words are means over target pieces of sums over source pieces") {
  const Linked source{{"ab", "c"}, {0, 0, 1}}, target{{"xy", "z"}, {0, 0, 1}};
  const std::vector<float> alpha = {0.5f,   0.25f, 0.125f, 0.125f,  // x over a, b, c, </s>
                                    0.f,    0.f,   0.5f,   0.5f,    // y
                                    0.125f, 0.5f,  0.25f,  0.125f,  // z
                                    0.f,    0.f,   0.f,    1.f};    // </s>
  const LinkedWeights words({alpha, 4, 4}, source, target);
  const AlignmentMatrix matrix = words.matrix();
  CHECK(matrix.target_length == 3);
  CHECK(matrix.source_length == 3);
  CHECK(std::vector<float>(matrix.alpha.begin(), matrix.alpha.end()) ==
        std::vector<float>{0.375f, 0.3125f, 0.3125f, 0.625f, 0.25f, 0.125f, 0.f, 0.f, 1.f});
  const LinkedWeights cut({std::span(alpha).first(12), 3, 4}, source, target);  // without </s>
  CHECK(cut.matrix().target_length == 2);
  const Linked same{{"a", "b", "c"}, {0, 1, 2}};
  CHECK(LinkedWeights({alpha, 4, 4}, same, same).matrix().alpha.data() == alpha.data());
  CHECK_THROWS_AS(LinkedWeights({alpha, 2, 8}, source, target), Error);
}

}  // namespace
}  // namespace mininmt
