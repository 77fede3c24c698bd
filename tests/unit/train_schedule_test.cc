// The decisions of a schedule for given scores; expected rates are computed by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "nn/training/schedule.h"

namespace mininmt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<bool> bests_of(const std::vector<double>& scores, bool higher_is_better) {
  Schedule schedule({.higher_is_better = {higher_is_better}});
  std::vector<bool> bests;
  for (double score : scores) bests.push_back(schedule.take({score}));
  return bests;
}

}  // namespace

TEST_CASE("schedule: a score is the best if no other was as good") {
  CHECK(bests_of({5, 6, 5, 4, 4, 3}, false) == std::vector<bool>{true, false, false, true, false, true});
  CHECK(bests_of({5, 6, 5, 6, 7, 3}, true) == std::vector<bool>{true, true, false, false, true, false});
}

TEST_CASE("schedule: a tie in a metric is decided by the next") {
  Schedule schedule({.higher_is_better = {true, false}});  // BLEU, then cross-entropy
  std::vector<bool> bests;
  for (const auto& [bleu, cost] :
       std::vector<std::pair<double, double>>{{0, 9}, {0, 8}, {0, 8}, {0, 9}, {1, 9}, {1, 8}})
    bests.push_back(schedule.take({bleu, cost}));
  CHECK(bests == std::vector<bool>{true, true, false, false, true, true});
}

TEST_CASE("schedule: each metric has its own best") {
  Schedule schedule({.higher_is_better = {true, false}});
  std::vector<std::vector<bool>> improved;
  for (const auto& scores :
       std::vector<std::vector<double>>{{1, 9}, {1, 8}, {0, 7}, {2, 7}, {kNan, 1}, {3, 3}}) {
    schedule.take(scores);
    improved.push_back(schedule.improved());
  }
  CHECK(improved ==
        std::vector<std::vector<bool>>{
            {true, true}, {false, true}, {false, true}, {true, false}, {false, false}, {true, true}});
}

TEST_CASE("schedule: a score that is no number is a stall, the first too") {
  Schedule schedule({.higher_is_better = {false}});
  CHECK_FALSE(schedule.take({kNan}));
  CHECK_FALSE(schedule.has_best());
  CHECK(schedule.stalls() == 1);
  CHECK(schedule.take({5}));
  CHECK(schedule.has_best());
  CHECK(schedule.stalls() == 0);
  CHECK_FALSE(schedule.take({kNan}));
  CHECK(schedule.take({4}));
}

TEST_CASE("schedule: the learning rate falls at every so many stalls in a row, and at no other time") {
  Schedule schedule({.higher_is_better = {false}, .lr_decay = 0.5, .lr_decay_patience = 2});
  CHECK(schedule.learn_rate(8) == 8);  // before any validation
  std::vector<double> rates;
  double rate = 8;
  for (double score : {5, 6, 4, 6, 6, 6, 6, 6, 3, 3}) {
    schedule.take({score});
    rates.push_back(rate = schedule.learn_rate(rate));
  }
  CHECK(rates == std::vector<double>{8, 8, 8, 8, 4, 4, 2, 2, 2, 2});
}

TEST_CASE("schedule: the learning rate is halved after so many epochs, and then every so many") {
  std::vector<double> rates;
  for (double epochs : {0.0, 4.99, 5.0, 5.49, 5.5, 6.0, 6.5, 7.0, 7.49})
    rates.push_back(halved(0.64, 5, 0.5, epochs));
  CHECK(rates == std::vector<double>{0.64, 0.64, 0.32, 0.32, 0.16, 0.08, 0.04, 0.02, 0.02});
}

TEST_CASE("schedule: without decay and early stopping nothing follows from stalls") {
  Schedule schedule({.higher_is_better = {false}, .lr_decay = 0, .early_stopping = 0});
  for (int i = 0; i < 100; ++i) schedule.take({5});
  CHECK(schedule.stalls() == 99);
  CHECK(schedule.learn_rate(8) == 8);
  CHECK_FALSE(schedule.stops());
}

TEST_CASE("schedule: early stopping counts stalls in a row") {
  Schedule schedule({.higher_is_better = {false}, .early_stopping = 2});
  std::vector<bool> stops;
  for (double score : {5, 6, 4, 4, 5}) {
    schedule.take({score});
    stops.push_back(schedule.stops());
  }
  CHECK(stops == std::vector<bool>{false, false, false, false, true});
}

TEST_CASE("schedule: warming up rises in proportion, then falls with the root") {
  struct Row {
    std::int64_t t;
    int warm_up, decay;
    double factor;
  };
  for (const auto& [t, warm_up, decay, factor] : std::vector<Row>{{1, 4, 4, 0.25},
                                                                  {2, 4, 4, 0.5},
                                                                  {4, 4, 4, 1},
                                                                  {16, 4, 4, 0.5},
                                                                  {400, 4, 4, 0.1},
                                                                  {7, 0, 0, 1},
                                                                  {2, 4, 0, 0.5},
                                                                  {400, 4, 0, 1},
                                                                  {2, 0, 4, 1},
                                                                  {16, 0, 4, 0.5},
                                                                  {8, 4, 16, 1},
                                                                  {64, 4, 16, 0.5},
                                                                  {8, 16, 2, 0.25}})
    CHECK_MESSAGE(rate_factor(t, warm_up, decay) == doctest::Approx(factor), t, " ", warm_up, " ", decay);
  // The published form, d^-0.5 min(t^-0.5, t w^-1.5).
  const double d = 512, w = 4000;
  for (std::int64_t t : {1, 3999, 4000, 4001, 100000}) {
    const double x = static_cast<double>(t);
    CHECK(std::pow(d * w, -0.5) * rate_factor(t, 4000, 4000) ==
          doctest::Approx(std::pow(d, -0.5) * std::min(std::pow(x, -0.5), x * std::pow(w, -1.5))));
  }
}

}  // namespace mininmt
