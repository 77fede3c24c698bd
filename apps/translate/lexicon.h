// Lexicons: files of lines "SOURCE TARGET" or "SOURCE TARGET P", units of both sides and a probability.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/program/model_folder.h"
#include "apps/text/lines.h"
#include "apps/text/vocab.h"

namespace mininmt {

// Calls use(source, target, p) for each line of a lexicon; p is 1 where none is given. Throws DataError with
// file and line, and as LineReader does.
void read_lexicon(const std::string& path, LineOptions options,
                  const std::function<void(std::string_view source, std::string_view target, double p)>& use);

// One translation for each source word, of --replace-unk: of several that with the largest P, of equals the
// first.
class Lexicon {
 public:
  // Throws as read_lexicon().
  Lexicon(const std::string& path, LineOptions options);

  // The word for `source`; `source` itself if there is none.
  const std::string& at(const std::string& source) const;

 private:
  struct Entry {
    std::string target;
    double p;
  };
  WordMap<Entry> entries_;
};

// Counts which target units a model's attention links with which source units, for --write-lexicon.
class LexiconCounts {
 public:
  // Holds references. Throws UsageError if the model has no attention.
  LexiconCounts(const BeamOptions& options, const LoadedModel& loaded, int threads);

  // Adds the weight that predicts each target unit of the pairs to its count with each source unit, if it is
  // at least kLeastWeight; of a model that has them, the posteriors.
  void add(const std::vector<std::string>& sources, const std::vector<std::string>& targets);

  // Writes, for each source unit, its at most kMostTargets best target units, P their share of its counts.
  // Throws IoError.
  void save(const std::string& path) const;

  static constexpr float kLeastWeight = 0.1F;
  static constexpr std::size_t kMostTargets = 100;

 private:
  const BeamOptions& options_;
  const LoadedModel& loaded_;
  int threads_;
  std::vector<std::unordered_map<Id, double>> counts_;  // by source id
};

}  // namespace mininmt
