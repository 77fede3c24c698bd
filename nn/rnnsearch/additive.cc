// Additive attention, of RNNsearch (MODEL.md 2; P eq. 5-6, A.1.2).
#include "nn/rnnsearch/attention.h"
#include "ops/attention.h"

namespace mininmt {
namespace {

// e_ij = v_a . tanh(W_a s_{i-1} + U_a h_j)
// alpha_ij = softmax over j of e_ij        c_i = sum_j alpha_ij h_j
class Additive : public AttentionModel {
 public:
  Additive(const Config& config, Parameters& parameters, int annotation_size)
      : W_a_(parameters.add("attention.W_a", {config.integer("dim-align"), config.integer("dim-rnn")},
                            Initial::normal(0.001))),
        U_a_(parameters.add("attention.U_a", {config.integer("dim-align"), annotation_size},
                            Initial::normal(0.001))),
        v_a_(parameters.add("attention.v_a", {config.integer("dim-align")})) {}

  std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const override {
    struct Over : Attending {
      Over(Tape& tape, const Additive& model, const Encoded& encoded)
          : W_a(tape.leaf(model.W_a_)),
            attend(linear(encoded.annotations, tape.leaf(model.U_a_)), encoded.annotations,
                   tape.leaf(model.v_a_), encoded.lengths) {}

      AttentionStep operator()(Var s, int, std::span<const Var>,
                               const Indices& sentence_of_row) const override {
        const Attended attended = attend(linear(s, W_a), sentence_of_row);
        return {attended.context, attended.alpha, {}};
      }

      StepWeight W_a;
      Attention attend;
    };
    return std::make_unique<Over>(tape, *this, encoded);
  }

 private:
  const Parameter &W_a_, &U_a_, &v_a_;
};

}  // namespace

AttentionKind additive_attention() {
  return {.name = "additive",
          .help = "all annotations, weighted (attention)",
          .fields = {dim_align_field()},
          .bidirectional = true,
          .make = [](const Config& config, Parameters& parameters, int annotation_size) {
            return std::unique_ptr<AttentionModel>(new Additive(config, parameters, annotation_size));
          }};
}

}  // namespace mininmt
