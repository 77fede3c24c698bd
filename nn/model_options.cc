#include "nn/model_options.h"

#include "tensor/error.h"

namespace mininmt {

std::string to_string(AlignmentKind kind) { return kind == AlignmentKind::kAdditive ? "additive" : "fixed"; }

std::string to_string(DecoderOrder order) {
  switch (order) {
    case DecoderOrder::kAuthors:
      return "authors";
    case DecoderOrder::kBody:
      return "body";
    case DecoderOrder::kAppendix:
      return "appendix";
  }
  throw Error("[to_string] no such decoder order");
}

AlignmentKind parse_alignment(const std::string& name) {
  for (AlignmentKind kind : {AlignmentKind::kAdditive, AlignmentKind::kFixed})
    if (name == to_string(kind)) return kind;
  throw UsageError("alignment model '" + name + "' is unknown: additive or fixed");
}

DecoderOrder parse_decoder_order(const std::string& name) {
  for (DecoderOrder order : {DecoderOrder::kAuthors, DecoderOrder::kBody, DecoderOrder::kAppendix})
    if (name == to_string(order)) return order;
  throw UsageError("decoder order '" + name + "' is unknown: authors, body or appendix");
}

}  // namespace mininmt
