// Numbers, days and years in words, in English and in French.
#pragma once

#include <string>

namespace mininmt::toy {

// 0 to 9999 in British English: "one thousand two hundred and ninety-seven". Throws Error outside that range.
std::string english_number(int n);

// 0 to 9999 in French, in the traditional spelling: "mille deux cent quatre-vingt-dix-sept". A number that
// ends in one agrees with a feminine noun: "vingt et une maisons". Throws Error outside that range.
std::string french_number(int n, bool feminine = false);

// The day of a month, 1 to 31, in English: "twenty-first". Throws Error outside that range.
std::string english_day(int day);

// The same in French, where only the first is an ordinal: "premier", "vingt et un". Throws Error outside 1
// to 31.
std::string french_day(int day);

// A year, 1100 to 2099, as spoken in English: "seventeen eighty-nine", "nineteen oh five", "two thousand
// and one". Throws Error outside that range.
std::string english_year(int year);

// The same in French: the number, but "cent" and "vingt" take no s in a date: "mille neuf cent quatre-vingt".
std::string french_year(int year);

}  // namespace mininmt::toy
