// The values of options: numbers, budgets, suggestions.
#include <doctest/doctest.h>

#include "apps/options/option_values.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

int parse_integer(const std::string& text, Range<int> range) { return kind::integer(range).read({text}); }
double parse_real(const std::string& text, Range<double> range) { return kind::real(range).read({text}); }
std::string format_real(double value) { return kind::real({}).write(value).at(0); }
Budget parse_budget(const std::string& text) { return kind::budget().read({text}); }
std::string format_budget(const Budget& budget) { return kind::budget().write(budget).at(0); }

TEST_CASE("whole numbers are decimal and in range, with a message that says so") {
  CHECK(parse_integer("7", {0, 10}) == 7);
  CHECK(parse_integer("0", {0, 10}) == 0);
  CHECK(parse_integer("10", {0, 10}) == 10);
  for (const char* wrong : {"11", "-1", "", " 7", "7 ", "+7", "7.0", "1e1", "0x7", "seven",
                            "9223372036854775808", "99999999999999999999999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_integer(wrong, {0, 10}), UsageError);
  }
  CHECK_THROWS_WITH(parse_integer("11", {0, 10}), "'11' is not a whole number from 0 to 10");
}

TEST_CASE("numbers are finite and in range") {
  CHECK(parse_real("0.5", {0, 1}) == 0.5);
  CHECK(parse_real("1e-6", {0, 1}) == 1e-6);
  for (const char* wrong :
       {"nan", "NaN", "-nan", "inf", "1.5", "-0.1", "", "0,5", "0.5x", "0x1p-1", "1e999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_real(wrong, {0, 1}), UsageError);
  }
  CHECK_THROWS_WITH(parse_real("nan", {0, 0.99}), "'nan' is not a number from 0 to 0.99");
}

TEST_CASE("a number is written so that it reads back as itself") {
  for (const double value : {0.1, 1.0 / 3, 1e-6, 1234567.875, 5e-324}) {
    CHECK(parse_real(format_real(value), {0, 1e9}) == value);
  }
  CHECK(format_real(0.001) == "0.001");
  CHECK(format_real(1) == "1");
}

TEST_CASE("budgets read and write epochs, updates and minutes") {
  CHECK(parse_budget("10e") == Budget{10, 0, 0});
  CHECK(parse_budget("5000u") == Budget{0, 5000, 0});
  CHECK(parse_budget("30m") == Budget{0, 0, 30});
  CHECK(parse_budget("700") == Budget{0, 700, 0});
  CHECK(parse_budget("30m,10e") == Budget{10, 0, 30});
  CHECK(parse_budget("0").empty());
  for (const char* text : {"0", "10e", "10e,5000u,30m", "1e,2m"})
    CHECK(format_budget(parse_budget(text)) == text);
  for (const char* wrong : {"", "e", "10x", "10e,", ",10e", "10e,20e", "5,6u", "-1e", "1.5e", "10 e", "10E",
                            "9999999999999999999u", "1000000000001u"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_budget(wrong), UsageError);
  }
}

TEST_CASE("a budget may have a part of an epoch where it is allowed") {
  const auto kind = kind::budget(true);
  CHECK(kind.read({"7.5e"}) == Budget{7.5, 0, 0});
  for (const char* text : {"7.5e", "0.25e,30m", "100000e", "1000000000000e"})
    CHECK(kind.write(kind.read({text})) == Values{text});
  for (const char* wrong : {"1.5u", "1.5m", "nane", "infe", "-0.5e", "1.5"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(kind.read({wrong}), UsageError);
  }
  CHECK_THROWS_WITH_AS(
      parse_budget("0.5e"),
      "'0.5e' has a part of an epoch: give epochs, updates or minutes as in 10e, 5000u, 30m, or "
      "several as in 10e,30m",
      UsageError);
  CHECK(Budget{7.5, 0, 0}.reached_by({7.5, 0, 0}));
  CHECK_FALSE(Budget{7.5, 0, 0}.reached_by({7.25, 0, 0}));
}

TEST_CASE("a budget is reached by its first part, never by a part of 0") {
  const Budget budget = parse_budget("10e,30m");
  CHECK(budget.reached_by({10, 0, 0}));
  CHECK(budget.reached_by({0, 0, 31}));
  CHECK_FALSE(budget.reached_by({9, 1'000'000, 29}));
  CHECK_FALSE(Budget{}.reached_by({1000, 1000, 1000}));
}

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("model", "modle") == 1);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("ca", "abc") == 3);  // 2 in the unrestricted form
}

TEST_CASE("suggestions are the nearest names, else names with such a part") {
  const std::vector<std::string> known = {"model",       "mini-batch",   "maxi-batch",
                                          "dropout-emb", "valid-sets",   "dropout-readout",
                                          "valid-freq",  "invalid-utf8", "train-sets"};
  using Names = std::vector<std::string>;
  CHECK(suggestions("modle", known) == Names{"model"});
  CHECK(suggestions("mni-batch", known) == Names{"mini-batch"});
  CHECK(suggestions("trainsets", known) == Names{"train-sets"});
  CHECK(suggestions("dropout", known) == Names{"dropout-emb", "dropout-readout"});
  CHECK(suggestions("batch", known) == Names{"mini-batch", "maxi-batch"});
  CHECK(suggestions("valid", known) == Names{"valid-sets", "valid-freq"});
  CHECK(suggestions("zzzzzzzz", known).empty());
  CHECK(suggestions("", known).empty());
  CHECK(suggestions(std::string(100'000, 'a'), known).empty());
}

TEST_CASE("a quoted value is short and has no control characters") {
  CHECK(in_quotes("a b") == "'a b'");
  const std::string long_text(79, 'x');
  CHECK(in_quotes(join(long_text, "éé")) == join("'", long_text, "...'"));
  CHECK(in_quotes("a\x1b[2Jb\n") == "'a?[2Jb?'");
  CHECK(in_quotes(std::string(500, 'x')) == "'" + std::string(80, 'x') + "...'");
}

}  // namespace
}  // namespace mininmt
