// BLEU's tokenization of raw text, and the other measures; expected values from sacrebleu 2.6.0 and jiwer
// 4.0.0.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "apps/text/text_scores.h"
#include "apps/text/tokenize_13a.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

// What Tokenizer13a makes of them.
const std::pair<std::string, std::string> kTokenized[] = {
    {"Hello, world!", "Hello , world !"},
    {"1,000.5 and 3.14, -5 5-6 a-b 7- x", "1,000.5 and 3.14 , -5 5 - 6 a-b 7 - x"},
    {"...", ". . ."},
    {"..,.,", ". . , . ,"},
    {"a.b.c.", "a . b . c ."},
    {"\"quoted\" &quot;q&quot; &amp;lt; &lt;b&gt;", "\" quoted \" \" q \" < < b >"},
    {"l'\xC3\xA9t\xC3\xA9, c'est \xC2\xAB"
     "beau\xC2\xBB : 25,5 %!",
     "l'\xC3\xA9t\xC3\xA9 , c'est \xC2\xAB"
     "beau\xC2\xBB : 25,5 % !"},
    {"e.g. U.S.A., etc.", "e . g . U . S . A . , etc ."},
    {"<skipped>x<skip<skipped>ped>y", "x < skipped > y"},
    {"$5.00/\xC2\xA3"
     "6,00",
     "$ 5.00 / \xC2\xA3"
     "6,00"},
    {"1.,2,.3", "1 . , 2 , . 3"},
    {"\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93\xEF\xBC\x8E\xEF\xBC\x94",
     "\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93\xEF\xBC\x8E\xEF\xBC\x94"},
    {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x80\x82\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88\xE3\x80\x81\xE3"
     "\x81\xA7\xE3\x81\x99\xE3\x80\x82",
     "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x80\x82\xE3\x83\x86\xE3\x82\xB9\xE3\x83\x88\xE3\x80\x81\xE3"
     "\x81\xA7\xE3\x81\x99\xE3\x80\x82"},
    {"1-2-3 --5", "1 - 2 - 3 --5"},
    {"-", "-"},
    {"5-", "5 -"},
    {"a\xC2\xA0"
     "b,\xE2\x80\x83"
     "c.",
     "a b , c ."},
    {"x_y^z`w~{|}", "x _ y ^ z ` w ~ { | }"},
    {"[a](b)*c+d=e<f>g?@h;i:j", "[ a ] ( b ) * c + d = e < f > g ? @ h ; i : j"},
    {"don't can't", "don't can't"},
    {"\\n\\t", "\\ n \\ t"},
    {"\xC3\xA9t\xC3\xA9.\xC3\xA0", "\xC3\xA9t\xC3\xA9 . \xC3\xA0"},
    {"9.\xC3\xA0"
     "9,\xC3\xA9",
     "9 . \xC3\xA0"
     "9 , \xC3\xA9"},
    {"\xD9\xA3.\xD9\xA4", "\xD9\xA3 . \xD9\xA4"},
    {"", ""},
    {" . ", "."},
    {"a , b", "a , b"},
    {"&&amp;amp;;", "& & amp ; ;"},
    {"1.5.6", "1.5.6"},
    {"1..5", "1 . . 5"},
    {"1,,5", "1 , , 5"},
    {".5", ". 5"},
    {"5.", "5 ."},
    {",5,", ", 5 ,"}};

std::string between_single_spaces(const std::string& line) {
  std::string joined;
  for (const std::string_view word : split_at_unicode_space(line))
    joined.append(joined.empty() ? "" : " ").append(word);
  return joined;
}

TEST_CASE("lines are tokenized as sacreBLEU's 13a does") {
  for (const auto& example : kTokenized) {
    CAPTURE(example.first);
    CHECK(between_single_spaces(tokenize_13a(example.first)) == example.second);
  }
}

TEST_CASE("all measures of raw text") {
  const std::vector<std::string> hypotheses = {"The cat's on the mat, isn't it?",
                                               "He paid $1,000.50 on 5-6 May.", "L'été «beau» est fini !",
                                               "Straße", ""};
  const std::vector<std::string> references = {"The cat is on the mat, isn't it?",
                                               "He paid $1,000.50 on 5-7 May.", "L'été « beau » est fini.",
                                               "Strasse ", "x y"};
  TextScores scores(true), tokenized(false);
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    scores.add(hypotheses[i], references[i]);
    tokenized.add(hypotheses[i], references[i]);
  }
  CHECK(scores.bleu() == doctest::Approx(51.62051598375681).epsilon(1e-12));
  CHECK(scores.chrf() == doctest::Approx(82.91768442298064).epsilon(1e-12));
  CHECK(scores.character_error_rate() == doctest::Approx(12.631578947368421).epsilon(1e-12));
  CHECK(scores.exact_match() == 0);
  const std::string version = std::string("version:mininmt-") + kVersion;
  CHECK(scores.report() ==
        "BLEU = 51.62 80.0/66.7/55.6/53.3 (BP = 0.819 ratio = 0.833 hyp_len = 25 ref_len = 30) "
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|" +
            version + "\nchrF2 = 82.92 nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|" + version +
            "\nexact match = 0.00%, character error rate = 12.63%\n");
  CHECK(tokenized.report().find("tok:none") != std::string::npos);
  CHECK(tokenized.report().find("chrF2") == std::string::npos);
}

TEST_CASE("character errors are insertions, deletions and replacements of code points") {
  CharacterErrors errors;
  CHECK(errors.rate() == 0);
  errors.add("ab", "a b");    // one insertion
  errors.add("cxyz", "cde");  // two replacements, one deletion
  CHECK(errors.rate() == doctest::Approx(100 * 4 / 6.0));
  CharacterErrors accents, nothing;
  accents.add("e\u0301te", " \u00E9t\u00E9\u00A0");  // not normalised, but for white space at the ends
  CHECK(accents.rate() == doctest::Approx(100));
  nothing.add("a", "");
  CHECK(std::isinf(nothing.rate()));
}

}  // namespace
}  // namespace mininmt
