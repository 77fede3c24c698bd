#include "nn/alignment.h"

#include <numeric>

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
          : h(encoded.annotations),
            lengths(encoded.lengths),
            keys(linear(h, tape.leaf(model.U_a_))),
            v_a(tape.leaf(model.v_a_)),
            W_a(tape.leaf(model.W_a_)) {}

      Attended operator()(Var s, const std::vector<int>& sentence_of_row) const override {
        return attend(linear(s, W_a), keys, h, v_a, lengths, sentence_of_row);
      }

      Var h;
      Lengths lengths;
      Var keys, v_a;
      StepWeight W_a;
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

      Attended operator()(Var s, const std::vector<int>& sentence_of_row) const override {
        std::vector<std::int64_t> rows(sentence_of_row.begin(), sentence_of_row.end());
        if (rows.empty()) {
          rows.resize(s.shape()[0]);
          std::iota(rows.begin(), rows.end(), 0);
        }
        const std::int64_t steps = encoded.annotations.shape()[0];
        const Tensor alpha = Tensor::zeros({static_cast<std::int64_t>(rows.size()), steps});
        for (std::size_t r = 0; r < rows.size(); ++r)
          alpha.data()[static_cast<std::int64_t>(r) * steps + encoded.lengths[rows[r]] - 1] = 1;
        return {gather_rows(encoded.start, rows), alpha};
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
