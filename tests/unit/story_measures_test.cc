#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "apps/story/figure.h"
#include "apps/story/measures.h"
#include "tensor/error.h"

namespace mininmt::story {
namespace {

using Lines = std::vector<std::string>;

const Lines kLog = {
    "[2014-09-01 14:00:00] mininmt-train 0.1.0, CPU, 2 threads",
    "[2014-09-01 14:00:01] 594 source and 741 target words in the vocabularies, 388901 parameters",
    "[2014-09-01 14:00:01] options:",
    "[2014-09-01 14:00:01] after = 2m",
    "[2014-09-01 14:00:11] epoch 1  update 100  sentences 6400  cost 74.394 a sentence  9000 words/s  "
    "gradient norm 15.0  1m left",
    "[2014-09-01 14:00:21] epoch 1  update 200  sentences 6400  cost 60.1 a sentence  400 words/s  gradient "
    "norm 9.1  1m left",
    "[2014-09-01 14:00:31] validation  epoch 1  update 200  bleu 3.00  perplexity 9.991  new best  took 1s",
    "[2014-09-01 14:00:41] epoch 1  update 300  sentences 6400  cost 50.9 a sentence  9200 words/s  gradient "
    "norm 9.3  30s left",
    "[2014-09-01 14:02:01] done: 900 updates, 720000 target words in 2m30s, 4800 words/s, validation and all",
};

TEST_CASE("a training's log tells device, parameters, speed and minutes") {
  const TrainingFigures figures = read_training_log(kLog, "log");
  CHECK(figures.device == "CPU, 2 threads");
  CHECK(figures.parameters == 388901);
  CHECK(figures.words_per_second == 9000);  // of 400, 9000, 9200; one slow report does not count
  CHECK(figures.minutes == doctest::Approx(2.5));
}

TEST_CASE("a training that went on ends with its last figures; one without reports has its mean speed") {
  Lines log = kLog;
  log.push_back("[2014-09-02 10:00:00] mininmt-train 0.1.0, CPU, 4 threads");
  log.push_back(
      "[2014-09-02 10:00:00] done: 9000 updates, 7200000 target words in 1h03m, 1900 words/s, validation and "
      "all");
  CHECK(read_training_log(log, "log").minutes == doctest::Approx(63));
  CHECK(read_training_log(log, "log").device == "CPU, 4 threads");
  const Lines short_log = {kLog[0], kLog[1], kLog[8]};
  CHECK(read_training_log(short_log, "log").words_per_second == 4800);
}

TEST_CASE("a log without an end or without parameters is refused") {
  CHECK_THROWS_WITH_AS(read_training_log({kLog.begin(), kLog.end() - 1}, "a/train.log"),
                       "a/train.log: the training did not end: train this system again", DataError);
  CHECK_THROWS_AS(read_training_log({kLog[8]}, "log"), DataError);
  CHECK_THROWS_AS(read_training_log({}, "log"), DataError);
}

TEST_CASE("error rates are those at the start of lines") {
  CHECK(read_error_rates({"warning: AER = 1", "AER = 16.39 (precision = 80.00 recall = 88.00) before",
                          "AER = 7.99 (precision = 91.00 recall = 94.00) after"}) ==
        std::vector<double>{16.39, 7.99});
  CHECK(read_error_rates({}).empty());
}

// `count` sentences of so many words.
void add(Lines& lines, std::size_t words, std::size_t count) {
  std::string line;
  for (std::size_t i = 0; i < words; ++i) line += "w ";
  lines.insert(lines.end(), count, line);
}

TEST_CASE("bins of lengths: the last joins those with few sentences, others with few are left out") {
  Lines sources;
  add(sources, 0, 1), add(sources, 9, 2), add(sources, 10, 3);  // at both sides of a border
  add(sources, 25, 2), add(sources, 39, 3), add(sources, 44, 1), add(sources, 200, 1);
  const std::vector<LengthBin> bins = length_bins(sources, 3);
  REQUIRE(bins.size() == 3);  // 20-29 has two sentences
  CHECK(bins[0].name() == "1-9");
  CHECK(bins[0].sentences == 3);
  CHECK(bins[1].name() == "10-19");
  CHECK(bins[1].sentences == 3);
  CHECK(bins[2].name() == "30+");
  CHECK(bins[2].sentences == 5);
  CHECK((bins[0].holds(0) && bins[0].holds(9) && !bins[0].holds(10)));
  CHECK((!bins[2].holds(29) && bins[2].holds(30) && bins[2].holds(200)));
  CHECK(length_bins(sources, 100).empty());
  CHECK(length_bins({"a b", "c"}, 2)[0].name() == "1+");
}

TEST_CASE("scores, of all sentences and by length") {
  Lines sources = {"short"}, references = {"a b c d f"}, translations = {"a b c d e"};
  add(sources, 12, 1), references.push_back("g h i j"), translations.push_back("g h i j");
  const std::vector<LengthBin> bins = length_bins(sources, 1);
  REQUIRE(bins.size() == 2);
  // 6 + 5 target words with </s>
  const Scores scores =
      measure(sources, references, translations, {-4 * std::log(2), -7 * std::log(2)}, bins);
  CHECK(scores.perplexity == doctest::Approx(2));
  CHECK(scores.bleu_by_length[0] == doctest::Approx(66.874));  // (4/5 3/4 2/3 1/2)^(1/4)
  CHECK(scores.bleu_by_length[1] == doctest::Approx(100));
  CHECK(scores.bleu == doctest::Approx(79.8408));  // (8/9 6/7 4/5 2/3)^(1/4)
  CHECK(scores.chrf == doctest::Approx(64.2540));  // mean of 8/9, 6/7, 4/5, 2/3, 0/1
}

TEST_CASE("weights of a sentence, with and without </s> at its end, and none") {
  const Heatmap map = read_heatmap("the cat", "le chat ||| 0.75,0.25,0 1e-99,1,0 0,0,1", "file");
  CHECK(map.source == Lines{"the", "cat", "</s>"});
  CHECK(map.target == Lines{"le", "chat", "</s>"});
  CHECK(map.at(0, 1) == 0.25f);
  CHECK(map.at(1, 0) == 0);
  CHECK(map.at(2, 2) == 1);
  CHECK(read_heatmap("the cat", "le chat ||| 1,0,0 0,1,0", "file").target == Lines{"le", "chat"});
  CHECK(read_heatmap("a ||| b", "x ||| y ||| 1,0,0,0 0,1,0,0 0,0,1,0 0,0,0,1", "file").target.size() == 4);
  const Heatmap none = read_heatmap("the cat", "le chat ||| ", "file");
  CHECK(none.alpha.empty());
  CHECK(none.target.size() == 2);
}

TEST_CASE("weights that don't fit the words, or are none, are refused") {
  CHECK_THROWS_AS(read_heatmap("the cat", "le chat ||| 1,0 0,1", "file"), DataError);
  CHECK_THROWS_AS(read_heatmap("the cat", "le ||| 1,0,0 0,1,0 0,0,1", "file"), DataError);
  CHECK_THROWS_AS(read_heatmap("the cat", "le ||| 1,x,0 0,1,0", "file"), DataError);
  CHECK_THROWS_AS(read_heatmap("the cat", "le chat", "file"), DataError);
}

TEST_CASE("labels move apart as little as they must") {
  using Places = std::vector<double>;
  CHECK(spread({}, 10, 0, 100).empty());
  CHECK(spread({20, 50}, 10, 0, 100) == Places{20, 50});
  CHECK(spread({20, 22}, 10, 0, 100) == Places{16, 26});
  CHECK(spread({0, 1, 60}, 10, 0, 100) == Places{0, 10, 60});
  CHECK(spread({99, 100}, 10, 0, 100) == Places{90, 100});
  CHECK(spread({20, 22, 27}, 10, 0, 100) == Places{13, 23, 33});  // the third meets the first two
  CHECK(spread({1, 2, 3}, 10, 0, 10) == Places{0, 5, 10});        // no room for 10
}

}  // namespace
}  // namespace mininmt::story
