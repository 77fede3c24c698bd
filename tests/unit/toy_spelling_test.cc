// Numbers in words, elision, contraction and plurals, with expected values from a grammar book.
#include <doctest/doctest.h>

#include "apps/toy/numbers.h"
#include "apps/toy/spelling.h"
#include "tensor/error.h"

namespace mininmt::toy {
namespace {

TEST_CASE("toy: English numbers") {
  CHECK(english_number(0) == "zero");
  CHECK(english_number(13) == "thirteen");
  CHECK(english_number(20) == "twenty");
  CHECK(english_number(40) == "forty");
  CHECK(english_number(97) == "ninety-seven");
  CHECK(english_number(100) == "one hundred");
  CHECK(english_number(101) == "one hundred and one");
  CHECK(english_number(342) == "three hundred and forty-two");
  CHECK(english_number(1000) == "one thousand");
  CHECK(english_number(1005) == "one thousand and five");
  CHECK(english_number(1297) == "one thousand two hundred and ninety-seven");
  CHECK(english_number(9999) == "nine thousand nine hundred and ninety-nine");
}

TEST_CASE("toy: French numbers") {
  CHECK(french_number(0) == "zéro");
  CHECK(french_number(16) == "seize");
  CHECK(french_number(17) == "dix-sept");
  CHECK(french_number(20) == "vingt");
  CHECK(french_number(21) == "vingt et un");
  CHECK(french_number(22) == "vingt-deux");
  CHECK(french_number(60) == "soixante");
  CHECK(french_number(61) == "soixante et un");
  CHECK(french_number(70) == "soixante-dix");
  CHECK(french_number(71) == "soixante et onze");
  CHECK(french_number(72) == "soixante-douze");
  CHECK(french_number(79) == "soixante-dix-neuf");
  CHECK(french_number(80) == "quatre-vingts");
  CHECK(french_number(81) == "quatre-vingt-un");
  CHECK(french_number(90) == "quatre-vingt-dix");
  CHECK(french_number(91) == "quatre-vingt-onze");
  CHECK(french_number(97) == "quatre-vingt-dix-sept");
  CHECK(french_number(99) == "quatre-vingt-dix-neuf");
  CHECK(french_number(100) == "cent");
  CHECK(french_number(101) == "cent un");
  CHECK(french_number(180) == "cent quatre-vingts");
  CHECK(french_number(200) == "deux cents");
  CHECK(french_number(201) == "deux cent un");
  CHECK(french_number(1000) == "mille");
  CHECK(french_number(1100) == "mille cent");
  CHECK(french_number(1200) == "mille deux cents");
  CHECK(french_number(2000) == "deux mille");
  CHECK(french_number(9999) == "neuf mille neuf cent quatre-vingt-dix-neuf");
}

TEST_CASE("toy: a French number that ends in one agrees") {
  CHECK(french_number(1, true) == "une");
  CHECK(french_number(21, true) == "vingt et une");
  CHECK(french_number(71, true) == "soixante et onze");
  CHECK(french_number(81, true) == "quatre-vingt-une");
  CHECK(french_number(91, true) == "quatre-vingt-onze");
  CHECK(french_number(101, true) == "cent une");
}

TEST_CASE("toy: days and years") {
  CHECK(english_day(1) == "first");
  CHECK(english_day(12) == "twelfth");
  CHECK(english_day(31) == "thirty-first");
  CHECK(french_day(1) == "premier");
  CHECK(french_day(14) == "quatorze");
  CHECK(french_day(21) == "vingt et un");
  CHECK(english_year(1789) == "seventeen eighty-nine");
  CHECK(english_year(1905) == "nineteen oh five");
  CHECK(english_year(1900) == "nineteen hundred");
  CHECK(english_year(2000) == "two thousand");
  CHECK(english_year(2001) == "two thousand and one");
  CHECK(english_year(2024) == "twenty twenty-four");
  CHECK(french_year(1789) == "mille sept cent quatre-vingt-neuf");
  CHECK(french_year(1900) == "mille neuf cent");
  CHECK(french_year(1980) == "mille neuf cent quatre-vingt");
  CHECK(french_year(2001) == "deux mille un");
}

TEST_CASE("toy: numbers out of range are refused") {
  CHECK_THROWS_AS(english_number(-1), Error);
  CHECK_THROWS_AS(french_number(10000), Error);
  CHECK_THROWS_AS(english_day(0), Error);
  CHECK_THROWS_AS(french_day(32), Error);
  CHECK_THROWS_AS(english_year(2100), Error);
  CHECK_THROWS_AS(french_year(1099), Error);
}

TEST_CASE("toy: elision and contraction") {
  CHECK(written_french({"le", "homme"}) == Words{"l'", "homme"});
  CHECK(written_french({"le", "hibou"}) == Words{"le", "hibou"});
  CHECK(written_french({"la", "école"}) == Words{"l'", "école"});
  CHECK(written_french({"la", "harpe"}) == Words{"la", "harpe"});
  CHECK(written_french({"de", "le", "pont"}) == Words{"du", "pont"});
  CHECK(written_french({"de", "le", "œuf"}) == Words{"de", "l'", "œuf"});
  CHECK(written_french({"de", "les", "œufs"}) == Words{"des", "œufs"});
  CHECK(written_french({"à", "le", "héros"}) == Words{"au", "héros"});
  CHECK(written_french({"à", "la", "auberge"}) == Words{"à", "l'", "auberge"});
  CHECK(written_french({"à", "les", "hôtels"}) == Words{"aux", "hôtels"});
  CHECK(written_french({"ce", "arbre"}) == Words{"cet", "arbre"});
  CHECK(written_french({"ce", "haricot"}) == Words{"ce", "haricot"});
  CHECK(written_french({"sa", "idée"}) == Words{"son", "idée"});
  CHECK(written_french({"ma", "hache"}) == Words{"ma", "hache"});
  CHECK(written_french({"près", "de", "des", "arbres"}) == Words{"près", "d'", "arbres"});
  CHECK(written_french({"parce", "que", "elle", "ne", "a", "pas"}) ==
        Words{"parce", "qu'", "elle", "n'", "a", "pas"});
  CHECK(written_french({"je", "aime", "le", "onze"}) == Words{"j'", "aime", "le", "onze"});
}

TEST_CASE("toy: a and an") {
  CHECK(written_english({"a", "apple", "a", "European", "a", "university"}) ==
        Words{"an", "apple", "a", "European", "a", "university"});
  CHECK(written_english({"a", "honest", "a", "house"}) == Words{"an", "honest", "a", "house"});
  CHECK(written_english({"a", "useful", "a", "uncle"}) == Words{"a", "useful", "an", "uncle"});
}

TEST_CASE("toy: French plurals") {
  CHECK(french_plural("grand") == "grands");
  CHECK(french_plural("gris") == "gris");
  CHECK(french_plural("heureux") == "heureux");
  CHECK(french_plural("beau") == "beaux");
  CHECK(french_plural("bleu") == "bleus");
  CHECK(french_plural("national") == "nationaux");
  CHECK(french_plural("nationale") == "nationales");
}

}  // namespace
}  // namespace mininmt::toy
