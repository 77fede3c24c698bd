// What the report tells of a system, from its files: translations, log p, the training's log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mininmt::story {

// What a training's log says of it.
struct TrainingFigures {
  std::string device;           // "CPU, 2 threads"
  std::int64_t parameters = 0;  // numbers in all matrices
  double words_per_second = 0;  // target words, without validation: the median of the log's reports
  double minutes = 0;           // validation and all
};

// Reads the lines of a log that mininmt-train wrote; `name` is the log's in messages. Throws DataError if the
// training did not end or the log lacks a figure.
TrainingFigures read_training_log(const std::vector<std::string>& lines, const std::string& name);

// The alignment error rates in what mininmt-beam --alignment-reference wrote, in percent.
std::vector<double> read_error_rates(const std::vector<std::string>& lines);

// Test sentences of `least` to `most` source words, </s> not counted; the last bin is open.
struct LengthBin {
  std::size_t least, most;
  bool open;
  std::size_t sentences;

  bool holds(std::size_t words) const { return words >= least && (open || words <= most); }
  std::string name() const;  // "10-19", "40+"
};

// Bins of ten words: 1-9 (and empty lines), 10-19, ..., 60+. From the end on, a bin with fewer than `fewest`
// sentences joins the one before it, which is the open one then; elsewhere it is left out.
std::vector<LengthBin> length_bins(const std::vector<std::string>& sources, std::size_t fewest = 20);

struct Scores {
  double bleu, chrf;
  double perplexity;                   // exp(-sum log p / target words), </s> counted
  std::vector<double> bleu_by_length;  // one for each bin
};

// The lists have an entry for each test sentence; log_p is that of the reference.
Scores measure(const std::vector<std::string>& sources, const std::vector<std::string>& references,
               const std::vector<std::string>& translations, const std::vector<double>& log_p,
               const std::vector<LengthBin>& bins);

// alpha of one sentence: a row of weights for each target word, a column for each source word. Both lists of
// words may end with </s>.
struct Heatmap {
  std::vector<std::string> source, target;
  std::vector<float> alpha;  // row-major; empty: the system has none

  float at(std::size_t row, std::size_t column) const { return alpha[row * source.size() + column]; }
};

// Reads a line of mininmt-beam --alignment soft, "le chat ||| 0.9,0.1,0 0,1,0 0,0,1", for this source. Throws
// DataError if the numbers of words and weights don't match.
Heatmap read_heatmap(const std::string& source, const std::string& line, const std::string& name);

}  // namespace mininmt::story
