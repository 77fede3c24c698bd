#include "nn/rnnsearch/alignment.h"

#include "ops/arrange.h"

namespace mininmt {
namespace {

// e_ij = v_a . tanh(W_a s_{i-1} + U_a h_j), alpha its softmax over j, c_i = sum_j alpha_ij h_j (P eq. 5-6,
// A.1.2).
class Additive : public Alignment {
 public:
  Additive(const ModelOptions& options, Parameters& parameters, int annotation_size)
      : W_a_(parameters.add("attention.W_a", {options.dim_align, options.dim_rnn})),
        U_a_(parameters.add("attention.U_a", {options.dim_align, annotation_size})),
        v_a_(parameters.add("attention.v_a", {options.dim_align})) {}

  std::unique_ptr<Look> over(Tape& tape, const Encoded& encoded) const override {
    struct Session : Look {
      Session(Tape& tape, const Additive& model, const Encoded& encoded)
          : W_a(tape.leaf(model.W_a_)),
            attend(linear(encoded.annotations, tape.leaf(model.U_a_)), encoded.annotations,
                   tape.leaf(model.v_a_), encoded.lengths) {}

      Attended operator()(Var s, const Indices& sentence_of_row) const override {
        return attend(linear(s, W_a), sentence_of_row);
      }

      StepWeight W_a;
      Attention attend;
    };
    return std::make_unique<Session>(tape, *this, encoded);
  }

 private:
  const Parameter &W_a_, &U_a_, &v_a_;
};

// c_i = forward h at the source's </s>, the same for every i (Cho et al. 2014; MODEL.md 9.1).
class FixedVector : public Alignment {
 public:
  std::unique_ptr<Look> over(Tape&, const Encoded& encoded) const override {
    struct Session : Look {
      explicit Session(const Encoded& encoded) : encoded(encoded) {}

      Attended operator()(Var s, const Indices& sentence_of_row) const override {
        const std::int64_t count = s.shape()[0], steps = encoded.annotations.shape()[0];
        const Tensor alpha = Tensor::zeros({count, steps});
        for (std::int64_t r = 0; r < count; ++r) {
          const std::int32_t b = sentence_of_row.empty() ? static_cast<std::int32_t>(r) : sentence_of_row[r];
          alpha.data()[r * steps + encoded.lengths[b] - 1] = 1;
        }
        return {sentence_of_row.empty() ? encoded.start : gather_rows(encoded.start, sentence_of_row), alpha};
      }

      Encoded encoded;
    };
    return std::make_unique<Session>(encoded);
  }
};

}  // namespace

std::unique_ptr<Alignment> make_alignment(const ModelOptions& options, Parameters& parameters,
                                          int annotation_size) {
  if (options.alignment == AlignmentKind::kFixed) return std::make_unique<FixedVector>();
  return std::make_unique<Additive>(options, parameters, annotation_size);
}

}  // namespace mininmt
