// The lines that mininmt-beam writes for a sentence.
#pragma once

#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/text/alignment_picture.h"
#include "apps/translate/target_text.h"
#include "nn/beam_search.h"

namespace mininmt {

// A line to translate.
struct InputLine {
  std::size_t number;  // from 0
  std::string source, prefix;
};

// The output for a line, ending in '\n':
//   plain            TRANSLATION
//   --alignment      TRANSLATION ||| ALIGNMENT, or the picture on the following lines and an empty line
//   --word-scores    TRANSLATION [||| ALIGNMENT] ||| WordScores= LOGP ...
//   --n-best         for each hypothesis  NUMBER ||| TRANSLATION ||| FEATURES ||| SCORE [||| ALIGNMENT]
// FEATURES are "logp= LOGP" and what the options add to the score: "words= N", with the </s>, of
// --word-penalty; "coverage= X" of --coverage-penalty; "WordScores= LOGP ..." of --word-scores. A word "|||"
// before a field is escaped. A sentence without hypotheses (an empty line) has one empty translation.
std::string format_output(const BeamOptions& options, const InputLine& line,
                          const std::vector<Hypothesis>& hypotheses, const TargetText& target);

// The output for a given translation: "LOGP", or with --alignment "LOGP ||| ALIGNMENT", or the picture on the
// following lines and an empty line. `alignment` comes from format_alignment or format_links. With
// --word-scores, for which word_log_p is, "WordScores= LOGP ..." stands at the end.
std::string format_score(const BeamOptions& options, double log_p, const std::string& alignment,
                         const std::vector<double>& word_log_p);

// --alignment hard, soft, picture or a weight of what the units of a line and of its translation link; the
// matrix has a row for each unit of it and, unless it was cut off, for the </s>.
std::string format_alignment(const std::string& kind, const Linked& source, const Linked& target,
                             const AlignmentMatrix& matrix);

}  // namespace mininmt
