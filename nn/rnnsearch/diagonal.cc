// Diagonal attention (MODEL.md 9.2): target word i reads source word i.
#include <algorithm>

#include "nn/rnnsearch/attention.h"
#include "ops/arrange.h"
#include "ops/diagonal.h"

namespace mininmt {
namespace {

// c_i = h_min(i, S_b), where S_b is the length without padding
class Diagonal : public AttentionModel {
 public:
  std::unique_ptr<Attending> over(Tape&, const Encoded& encoded) const override {
    struct Over : Attending {
      explicit Over(const Encoded& encoded) : encoded(encoded) {}

      AttentionStep operator()(Var s, int i, std::span<const Var>,
                               const Indices& sentence_of_row) const override {
        const auto position = [&](std::int64_t b) { return std::min(i, encoded.lengths[b]) - 1; };
        const std::int64_t rows = s.shape()[0];
        return {first_rows(diagonal(encoded.annotations, i, encoded.lengths, sentence_of_row), rows),
                one_hot_alpha(encoded, rows, sentence_of_row, position),
                {}};
      }

      Encoded encoded;
    };
    return std::make_unique<Over>(encoded);
  }
};

}  // namespace

AttentionKind diagonal_attention() {
  return {
      .name = "diagonal",
      .help = "annotation i at step i",
      .fields = {},
      .bidirectional = true,
      .make = [](const Config&, Parameters&, int) { return std::unique_ptr<AttentionModel>(new Diagonal); }};
}

}  // namespace mininmt
