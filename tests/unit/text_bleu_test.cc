#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "apps/text/bleu.h"
#include "apps/text/utf8.h"
#include "tensor/version.h"

namespace mininmt {
namespace {

struct Case {
  const char* name;
  std::vector<std::string> hypotheses, references;
  double score;
  const char* format;
};

// Results of sacrebleu 2.6.0, corpus_score of BLEU(tokenize="none"), signature
//   nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0
const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"exact",
       {"the cat sat on the mat ."},
       {"the cat sat on the mat ."},
       100.00000000000004,
       "BLEU = 100.00 100.0/100.0/100.0/100.0 (BP = 1.000 ratio = 1.000 hyp_len = 7 ref_len = 7)"},
      {"no 4-gram",
       {"the cat is on the mat", "a dog barks"},
       {"the cat sat on the mat", "the dog barks loudly"},
       31.21900910291815,
       "BLEU = 31.22 77.8/57.1/20.0/16.7 (BP = 0.895 ratio = 0.900 hyp_len = 9 ref_len = 10)"},
      {"words only",
       {"mat the on sat cat"},
       {"the cat sat on a mat"},
       13.078059222838354,
       "BLEU = 13.08 100.0/12.5/8.3/6.2 (BP = 0.819 ratio = 0.833 hyp_len = 5 ref_len = 6)"},
      {"nothing",
       {"x y z w v"},
       {"the cat sat on a mat"},
       0,
       "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 0.819 ratio = 0.833 hyp_len = 5 ref_len = 6)"},
      {"empty",
       {"", "the agreement was signed in August 1992 ."},
       {"the meeting is over .", "the agreement was signed in August 1992 ."},
       53.526142851899053,
       "BLEU = 53.53 100.0/100.0/100.0/100.0 (BP = 0.535 ratio = 0.615 hyp_len = 8 ref_len = 13)"},
      {"all empty",
       {"", ""},
       {"a b c d", "e f"},
       0,
       "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 0.000 ratio = 0.000 hyp_len = 0 ref_len = 6)"},
      {"empty reference",
       {"a b c d e", "the house is big today"},
       {"", "the house is big today"},
       49.999999999999993,
       "BLEU = 50.00 50.0/50.0/50.0/50.0 (BP = 1.000 ratio = 2.000 hyp_len = 10 ref_len = 5)"},
      {"short",
       {"yes", "no sir", "a b c"},
       {"yes", "no sir", "a b c"},
       0,
       "BLEU = 0.00 100.0/100.0/100.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 6 ref_len = 6)"},
      {"clipped",
       {"the the the the the the the"},
       {"the cat is on the mat the end"},
       7.4924426922597673,
       "BLEU = 7.49 42.9/8.3/5.0/3.1 (BP = 0.867 ratio = 0.875 hyp_len = 7 ref_len = 8)"},
      {"long",
       {"a man in a blue shirt is standing on a ladder cleaning a window now and then"},
       {"a man in a blue shirt is standing on a ladder cleaning a window"},
       80.531220307962727,
       "BLEU = 80.53 82.4/81.2/80.0/78.6 (BP = 1.000 ratio = 1.214 hyp_len = 17 ref_len = 14)"},
      {"unicode",
       {"L' accord sur la zone économique européenne a été signé en août 1992 .", "日本 語 の 文 章 です",
        "12\u00A0000 euros\u3000de plus que prévu"},
       {"L' accord sur la Zone économique européenne fut signé en août 1992 .", "日本 語 の 長い 文 章 です",
        "12 000 euros de plus que prévu"},
       62.040323940139949,
       "BLEU = 62.04 88.9/75.0/57.1/38.9 (BP = 1.000 ratio = 1.000 hyp_len = 27 ref_len = 27)"},
      {"case and spaces",
       {"  The  House is\tbig and old ", "it is not so"},
       {"the house is big and old", "it is  not so . "},
       60.510125089144566,
       "BLEU = 60.51 80.0/75.0/66.7/50.0 (BP = 0.905 ratio = 0.909 hyp_len = 10 ref_len = 11)"},
  };
  return kCases;
}

Bleu bleu_of(const Case& c) {
  Bleu bleu;
  for (std::size_t i = 0; i < c.hypotheses.size(); ++i) bleu.add(c.hypotheses[i], c.references[i]);
  return bleu;
}

TEST_CASE("BLEU is sacreBLEU's") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    const Bleu bleu = bleu_of(c);
    CHECK(std::abs(bleu.score() - c.score) < 1e-9);
    CHECK(bleu.format() == c.format);
  }
}

TEST_CASE("merging parts gives the figures of the whole") {
  Bleu whole, merged;
  for (const Case& c : cases()) {
    for (std::size_t i = 0; i < c.hypotheses.size(); ++i) whole.add(c.hypotheses[i], c.references[i]);
    merged.merge(bleu_of(c));
  }
  CHECK(merged.score() == whole.score());
  CHECK(merged.format() == whole.format());
  CHECK(whole.score() > 0);
}

TEST_CASE("the parts of the score") {
  Bleu bleu;
  bleu.add("a b c d", "a b c d e");
  CHECK(bleu.hypothesis_length() == 4);
  CHECK(bleu.reference_length() == 5);
  CHECK(bleu.brevity_penalty() == doctest::Approx(0.7788007830714049));  // exp(-1/4)
  CHECK(bleu.precisions() == std::array<double, 4>{100, 100, 100, 100});
  bleu.add("x y", "z");
  CHECK(bleu.precisions()[0] == doctest::Approx(100.0 * 4 / 6));
  CHECK(bleu.precisions()[1] == doctest::Approx(100.0 * 3 / 4));
  CHECK(bleu.brevity_penalty() == 1);
}

TEST_CASE("words end where Python's str.split() ends them, and nowhere else") {
  std::set<char32_t> found, expected = {0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  for (char32_t code = 0x09; code <= 0x0D; ++code) expected.insert(code);
  for (char32_t code = 0x1C; code <= 0x1F; ++code) expected.insert(code);
  for (char32_t code = 0x2000; code <= 0x200A; ++code) expected.insert(code);
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    Bleu bleu;
    bleu.add("a" + encode_utf8(code) + "b", "");
    if (bleu.hypothesis_length() == 2) found.insert(code);
  }
  CHECK(found == expected);
}

TEST_CASE("nothing at all has a BLEU of 0") { CHECK(Bleu().score() == 0); }

TEST_CASE("the signature says what was computed") {
  CHECK(Bleu::signature() ==
        "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:mininmt-" + std::string(kVersion));
}

}  // namespace
}  // namespace mininmt
