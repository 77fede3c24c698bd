// How the context c_i comes to be: the one part of the model that its relatives exchange (MODEL.md 2, 9).
#pragma once

#include <memory>

#include "nn/rnnsearch/encoder.h"
#include "nn/model_options.h"
#include "ops/attention.h"

namespace mininmt {

// An alignment model over one batch of encoded sentences.
class Look {
 public:
  virtual ~Look() = default;

  // c_i (R, C) from s_{i-1} (R, n), and the weights alpha (R, S) that it gave to the annotations. Row r
  // belongs to sentence sentence_of_row[r], or r if that is empty.
  virtual Attended operator()(Var s, const Indices& sentence_of_row) const = 0;
};

class Alignment {
 public:
  virtual ~Alignment() = default;

  // Computes what depends on the source alone, once a batch. To be called before the loop over target words.
  virtual std::unique_ptr<Look> over(Tape& tape, const Encoded& encoded) const = 0;
};

// The alignment model of a kind, with its parameters, for annotations of `annotation_size`.
std::unique_ptr<Alignment> make_alignment(const ModelOptions& options, Parameters& parameters,
                                          int annotation_size);

}  // namespace mininmt
