// The word alignment of given pairs by a model's attention, for mininmt-beam --score: written, and judged by
// a reference.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/program/model_folder.h"
#include "apps/text/alignment_reference.h"
#include "apps/translate/alignment_figures.h"

namespace mininmt {

// Two readings of attention (MODEL.md 2). Either links a target word to the source word of maximum weight.
struct WordAlignment {
  AlignmentLinks before;    // by the attention that predicts the word; by the posteriors, if there are some
  AlignmentLinks after;     // by the first attention that has seen it (Chen et al. 2020)
  bool posteriors = false;  // what `before` is
};

class PairAligner {
 public:
  // `opposite`: the model of --alignment-symmetrize, or nullptr; `figures`: what to draw each pair in, or
  // nullptr. Holds references to all but the last. Throws as AlignmentReference does.
  PairAligner(const BeamOptions& options, const LoadedModel& model, const LoadedModel* opposite, int threads,
              LineOptions line_options, AlignmentFigures* figures = nullptr);

  // Aligns the next pairs of lines, draws them, and compares them with the reference, if there is one. Returns
  // what --alignment writes for each, "" without it. Throws as align_lines and AlignmentReference do.
  std::vector<std::string> align(const std::vector<std::string>& sources,
                                 const std::vector<std::string>& targets);

  // The error rates of all pairs, a line each, "" without a reference: of both readings; with `opposite` also
  // of its links, and of both joined. Throws DataError if the reference has more pairs.
  std::string report() const;

 private:
  using Named = std::vector<std::pair<std::string, AlignmentLinks>>;

  Named judged(const WordAlignment& links, const WordAlignment& other) const;
  void judge(std::size_t source_words, std::size_t target_words, const Named& links);

  const BeamOptions& options_;
  const LoadedModel& model_;
  const LoadedModel* opposite_;
  AlignmentFigures* figures_;
  int threads_;
  std::optional<AlignmentReference> reference_;
  std::size_t pairs_ = 0;
  std::vector<std::pair<std::string, AlignmentError>> errors_;
};

}  // namespace mininmt
