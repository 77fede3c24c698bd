#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/units.h"
#include "apps/text/utf8.h"
#include "apps/text/vocab.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"
#include "tests/unit/text_units.h"

namespace mininmt {
namespace {

using Texts = std::vector<std::string>;

TEST_CASE("words") {
  CHECK(words()->split("  the\tcat \r") == Texts{"the", "cat"});
  CHECK(back(*words(), "  the\tcat ") == "the cat");
  CHECK_FALSE(words()->are_of_raw_text());
}

TEST_CASE("characters, of which white space is one") {
  CHECK(characters()->split(" ne\u0301e \t le") == Texts{"n", "e\u0301", "e", "<space>", "l", "e"});
  CHECK(back(*characters(), " ne\u0301e \t le") == "ne\u0301e le");
  CHECK(characters()->linked("a b").names == Texts{"a", "\u2423", "b"});
  CHECK(characters()->are_of_raw_text());
}

TEST_CASE("nasty lines: no unit has white space, and all come back") {
  const std::string nbsp = "\u00A0", thousands(10000, 'x');
  std::string marks = "e";
  for (int i = 0; i < 10000; ++i) marks += "\u0301";
  for (const Units* units : {words().get(), characters().get()}) {
    CHECK(units->split("").empty());
    CHECK(units->split(" \t \r ").empty());
    for (const std::string& line :
         {nbsp, "a" + nbsp + "b", thousands, marks, std::string("</s> <unk> <space>"),
          std::string("\v\f\x01\u2028\uFEFF"), std::string("\u0301 \u0301a"),
          std::string("\U0001F468\u200D \U0001F469")}) {
      CHECK(back(*units, line) == line);
      for (const std::string& unit : units->split(line)) CHECK(is_one_word(unit));
    }
  }
  CHECK(characters()->split(thousands).size() == 10000);
  CHECK(characters()->split(marks).size() == 1);
}

// From all over Unicode, mostly what clusters are made of.
std::string random_line(std::mt19937& random) {
  constexpr char32_t kFrom[] = {0x20,    0x09,    0x0D,   0x61,   0xA0,   0x300, 0x200D,
                                0x1F1E6, 0x1F468, 0x1100, 0x1161, 0xAC00, 0x600};
  std::string line;
  for (std::size_t i = random() % 12; i > 0; --i) {
    const char32_t code =
        random() % 8 == 0 ? random() % 0x110000 : kFrom[random() % std::size(kFrom)] + random() % 3;
    if (code != 0 && code != '\n') line += encode_utf8(code);
  }
  return line;
}

TEST_CASE("random lines come back, but for white space") {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::string line = random_line(random);
    CAPTURE(visible(line));
    for (const Units* units : {words().get(), characters().get()}) {
      CHECK(back(*units, line) == back(*words(), line));
      const Texts split = units->split(line);
      CHECK(std::all_of(split.begin(), split.end(),
                        [&](const std::string& unit) { return units->is_unit(unit); }));
    }
  }
}

TEST_CASE("a vocabulary of characters reads back, and is none of words") {
  const TemporaryFolder folder;
  WordCounts counts(characters());
  counts.add_line("abba a");
  const Vocab vocab = counts.vocab();
  const std::string path = folder.path("v");
  vocab.save(path);
  CHECK(read_whole(path) == "</s>\n<unk>\na\nb\n<space>\n");
  const Vocab read = Vocab::load(path, characters());
  CHECK(read.checksum() == vocab.checksum());
  CHECK(read.decode(read.encode("b aab")) == "b aab");
  CHECK(read.encode("</s>") == std::vector<Id>{kUnk, kUnk, kUnk, kUnk, kEos});
  CHECK(read.checksum() != Vocab::load(path).checksum());
  CHECK_THROWS_AS(Vocab::load(folder.write("w", "</s>\n<unk>\nthe\n"), characters()), DataError);
  CHECK_THROWS_AS((void)units_of("letters"), UsageError);
}

}  // namespace
}  // namespace mininmt
