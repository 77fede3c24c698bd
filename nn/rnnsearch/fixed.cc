// The fixed vector of RNNencdec (Cho et al. 2014; MODEL.md 9.1): no attention.
#include "nn/rnnsearch/attention.h"
#include "ops/arrange.h"

namespace mininmt {
namespace {

// c_i = forward h at the source's </s>, the same for every i
class FixedVector : public AttentionModel {
 public:
  std::unique_ptr<Attending> over(Tape&, const Encoded& encoded) const override {
    struct Over : Attending {
      explicit Over(const Encoded& encoded) : encoded(encoded) {}

      AttentionStep operator()(Var s, int, std::span<const Var>,
                               const Indices& sentence_of_row) const override {
        const auto last = [&](std::int64_t b) { return encoded.lengths[b] - 1; };
        const std::int64_t rows = s.shape()[0];
        return {sentence_of_row.empty() ? first_rows(encoded.start, rows)
                                        : gather_rows(encoded.start, sentence_of_row),
                one_hot_alpha(encoded, rows, sentence_of_row, last),
                {}};
      }

      Encoded encoded;
    };
    return std::make_unique<Over>(encoded);
  }
};

}  // namespace

AttentionKind fixed_vector() {
  return {.name = "fixed",
          .help = "one vector for the sentence (RNNencdec)",
          .fields = {},
          .bidirectional = false,
          .make = [](const Config&, Parameters&, int) {
            return std::unique_ptr<AttentionModel>(new FixedVector);
          }};
}

}  // namespace mininmt
