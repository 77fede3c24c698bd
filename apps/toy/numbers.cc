#include "apps/toy/numbers.h"

#include <array>

#include "tensor/error.h"

namespace mininmt::toy {
namespace {

constexpr std::array<const char*, 20> kEnglishUnits = {
    "zero",     "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<const char*, 10> kEnglishTens = {"",      "",      "twenty",  "thirty", "forty",
                                                      "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<const char*, 20> kFrenchUnits = {
    "zéro", "un",   "deux",  "trois",  "quatre",   "cinq",   "six",   "sept",     "huit",     "neuf",
    "dix",  "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"};
// Seventy is sixty and ten, eighty is four twenties, ninety is four twenties and ten.
constexpr std::array<const char*, 10> kFrenchTens = {
    "",          "",         "vingt",    "trente",       "quarante",
    "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"};
constexpr std::array<const char*, 32> kEnglishDays = {"",
                                                      "first",
                                                      "second",
                                                      "third",
                                                      "fourth",
                                                      "fifth",
                                                      "sixth",
                                                      "seventh",
                                                      "eighth",
                                                      "ninth",
                                                      "tenth",
                                                      "eleventh",
                                                      "twelfth",
                                                      "thirteenth",
                                                      "fourteenth",
                                                      "fifteenth",
                                                      "sixteenth",
                                                      "seventeenth",
                                                      "eighteenth",
                                                      "nineteenth",
                                                      "twentieth",
                                                      "twenty-first",
                                                      "twenty-second",
                                                      "twenty-third",
                                                      "twenty-fourth",
                                                      "twenty-fifth",
                                                      "twenty-sixth",
                                                      "twenty-seventh",
                                                      "twenty-eighth",
                                                      "twenty-ninth",
                                                      "thirtieth",
                                                      "thirty-first"};

void check_range(const char* what, int n, int low, int high) {
  if (n < low || n > high) throw Error(join(what, " ", n, " is not in ", low, " to ", high));
}

std::string english_below_100(int n) {
  if (n < 20) return kEnglishUnits[n];
  const std::string tens = kEnglishTens[n / 10];
  return n % 10 == 0 ? tens : tens + "-" + kEnglishUnits[n % 10];
}

std::string french_below_100(int n, bool feminine) {
  if (n == 1 && feminine) return "une";
  if (n < 20) return kFrenchUnits[n];
  if (n == 80) return "quatre-vingts";
  const std::string tens = kFrenchTens[n / 10];
  const int rest = n / 10 == 7 || n / 10 == 9 ? n % 20 : n % 10;
  if (rest == 0) return tens;
  // 21, 31, ... 61 and 71 take "et"; 81 and 91 take a hyphen.
  const bool and_one = n % 10 == 1 && n < 80;
  return tens + (and_one ? " et " : "-") + french_below_100(rest, feminine);
}

}  // namespace

std::string english_number(int n) {
  check_range("number", n, 0, 9999);
  if (n < 100) return english_below_100(n);
  std::string words;
  if (n >= 1000) words = std::string(kEnglishUnits[n / 1000]) + " thousand";
  if (n % 1000 >= 100) {
    words += (words.empty() ? "" : " ") + std::string(kEnglishUnits[n % 1000 / 100]) + " hundred";
  }
  return n % 100 == 0 ? words : words + " and " + english_below_100(n % 100);
}

std::string french_number(int n, bool feminine) {
  check_range("number", n, 0, 9999);
  if (n < 100) return french_below_100(n, feminine);
  std::string words;
  if (n >= 1000) words = n < 2000 ? "mille" : std::string(kFrenchUnits[n / 1000]) + " mille";
  if (const int hundreds = n % 1000 / 100; hundreds > 0) {
    if (!words.empty()) words += " ";
    if (hundreds > 1) words += std::string(kFrenchUnits[hundreds]) + " ";
    // "deux cents", but "deux cent un" and "cent".
    words += hundreds > 1 && n % 100 == 0 ? "cents" : "cent";
  }
  return n % 100 == 0 ? words : words + " " + french_below_100(n % 100, feminine);
}

std::string english_day(int day) {
  check_range("day", day, 1, 31);
  return kEnglishDays[day];
}

std::string french_day(int day) {
  check_range("day", day, 1, 31);
  return day == 1 ? "premier" : french_number(day);
}

std::string english_year(int year) {
  check_range("year", year, 1100, 2099);
  if (year / 10 == 200) return english_number(year);
  const std::string century = english_below_100(year / 100);
  if (year % 100 == 0) return century + " hundred";
  return century + (year % 100 < 10 ? " oh " : " ") + english_below_100(year % 100);
}

std::string french_year(int year) {
  check_range("year", year, 1100, 2099);
  std::string words = french_number(year);
  if (words.ends_with("cents") || words.ends_with("vingts")) words.pop_back();
  return words;
}

}  // namespace mininmt::toy
