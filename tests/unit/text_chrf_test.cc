// chrF2 against figures of sacreBLEU 2.6.0 with its defaults.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/text/chrf.h"

namespace mininmt {
namespace {

double chrf(const std::vector<std::string>& hypotheses, const std::vector<std::string>& references) {
  Chrf chrf;
  for (std::size_t i = 0; i < hypotheses.size(); ++i) chrf.add(hypotheses[i], references[i]);
  return chrf.score();
}

TEST_CASE("chrF2 is sacreBLEU's") {
  const struct {
    std::vector<std::string> hypotheses, references;
    double score;
  } cases[] = {
      {{"the cat sat on the mat"}, {"the cat is on the mat"}, 64.5779420625},
      {{"a b c", "hello world"}, {"a b d", "hello there world"}, 38.8910809192},
      {{"", "abc"}, {"xyz", "abd"}, 21.6049382716},
      {{"naïve café 日本"}, {"naive café 日本語"}, 62.0481771414},
      {{"ab"}, {"ab"}, 100},
      {{"x"}, {"y"}, 0},
      {{"abcdefg"}, {"ab"}, 59.375},
      {{"a"}, {"abcdefg"}, 17.2413793103},
      {{"le chat est sur le tapis rouge .", "il pleut"},
       {"le chat était sur un tapis rouge .", "il pleut à verse"},
       52.9283508495},
  };
  for (const auto& c : cases)
    CHECK(chrf(c.hypotheses, c.references) == doctest::Approx(c.score).epsilon(1e-11));
  CHECK(chrf({}, {}) == 0);
  CHECK(chrf({"a  b c"}, {"ab\tc"}) == 100);  // white space does not count
}

}  // namespace
}  // namespace mininmt
