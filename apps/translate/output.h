// The lines that mininmt-beam writes for a sentence.
#pragma once

#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/text/alignment_picture.h"
#include "apps/text/vocab.h"
#include "nn/beam_search.h"

namespace mininmt {

// The output for line `number` (from 0), ending in '\n':
//   plain            TRANSLATION
//   --alignment      TRANSLATION ||| ALIGNMENT, or the picture on the following lines and an empty line
//   --n-best         for each hypothesis  NUMBER ||| TRANSLATION ||| logp= LOGP ||| SCORE [||| ALIGNMENT]
// A sentence without hypotheses (an empty line) has one empty translation.
std::string format_output(const BeamOptions& options, std::size_t number, const std::string& source,
                          const std::vector<Hypothesis>& hypotheses, const Vocab& source_vocab,
                          const Vocab& target_vocab);

// The output for a given translation: "LOGP", or with --alignment "LOGP ||| ALIGNMENT", or the picture on the
// following lines and an empty line. `alignment` comes from format_alignment or format_links.
std::string format_score(const BeamOptions& options, double log_p, const std::string& alignment);

// --alignment hard, soft or picture of what the units of a line and of its translation link; the matrix has a row for
// each unit of it and, unless it was cut off, for the </s>.
std::string format_alignment(const std::string& kind, Linked source, Linked target,
                             const AlignmentMatrix& matrix);

}  // namespace mininmt
