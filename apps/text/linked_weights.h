// The weights between what an alignment links, from those between units.
#pragma once

#include <string>
#include <vector>

#include "apps/text/alignment_picture.h"
#include "apps/text/units.h"

namespace mininmt {

// Where pieces of words link their words, the weight of source word s for target word t is
//
//     mean over the pieces of t of the sum over the pieces of s of alpha
//
// so that the weights of a word add up to 1 if those of its pieces do. </s> is a word of its own.
class LinkedWeights {
 public:
  // `units` has a column for each unit of the source and its </s>; a row for each unit of the target, and one
  // for its </s> or none. Throws Error if the sizes don't match.
  LinkedWeights(const AlignmentMatrix& units, const Linked& source, const Linked& target);

  // Valid as long as this and the weights of the units are.
  AlignmentMatrix matrix() const;

  // What its columns and rows are, </s> too.
  const std::vector<std::string>& source_names() const { return source_names_; }
  const std::vector<std::string>& target_names() const { return target_names_; }

 private:
  AlignmentMatrix units_;
  std::vector<std::string> source_names_, target_names_;
  bool are_units_;  // that are linked
  std::vector<float> alpha_;
  std::size_t target_length_ = 0, source_length_ = 0;
};

}  // namespace mininmt
