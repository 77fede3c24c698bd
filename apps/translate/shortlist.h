// The words that a search chooses among, fewer than all: frequent ones, and those that a lexicon has for the
// words of the source (Jean et al. 2015; Marian's shortlist).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/program/model_folder.h"
#include "apps/text/lines.h"
#include "apps/text/vocab.h"
#include "tensor/ids.h"

namespace mininmt {

class Shortlist {
 public:
  // The first `size` units of the target's vocabulary, which are the most frequent words, and for each source
  // unit the best `size` that the lexicon has. Throws as read_lexicon(); DataError if it has no unit of the two
  // vocabularies.
  Shortlist(std::size_t size, const std::string& lexicon, LineOptions options, const Vocab& source,
            const Vocab& target);

  // For sources that are searched together: all their words, in order.
  Indices words(std::span<const std::span<const Id>> sources) const;

 private:
  std::size_t first_, all_;                 // units of the target
  std::vector<std::vector<Id>> of_source_;  // beyond the first, by source id
};

// That of --shortlist, if it is given.
std::optional<Shortlist> shortlist_of(const BeamOptions& options, const LoadedModel& loaded);

}  // namespace mininmt
