// What fixes a model's parameters and what it computes: its sizes in the paper's letters, the way c_i comes
// to be, and the order of look, generate, update.
#pragma once

#include <string>

#include "tensor/types.h"

namespace mininmt {

enum class AlignmentKind { kAdditive, kFixed };          // MODEL.md 2, 9.1
enum class DecoderOrder { kAuthors, kBody, kAppendix };  // MODEL.md 5

struct ModelOptions {
  int source_words = 0;  // V_x
  int target_words = 0;  // V_y
  int dim_emb = 620;     // m
  int dim_rnn = 1000;    // n
  int dim_align = 1000;  // n'
  int dim_maxout = 500;  // l
  AlignmentKind alignment = AlignmentKind::kAdditive;
  DecoderOrder decoder_order = DecoderOrder::kAuthors;

  bool operator==(const ModelOptions&) const = default;
};

// The names on the command line and in model files: additive, fixed; authors, body, appendix. The parsers
// throw UsageError with the names that there are.
std::string to_string(AlignmentKind kind);
std::string to_string(DecoderOrder order);
AlignmentKind parse_alignment(const std::string& name);
DecoderOrder parse_decoder_order(const std::string& name);

}  // namespace mininmt
