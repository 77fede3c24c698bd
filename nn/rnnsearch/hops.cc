// Several hops (MODEL.md 9.7; end-to-end memory networks, Sukhbaatar et al. 2015): attention whose query is
// refined by what it has read.
#include "nn/rnnsearch/attention.h"
#include "ops/attention.h"
#include "ops/elementwise.h"

namespace mininmt {
namespace {

// u^1 = W_u s_{i-1}        m_j = A h_j, o_j = C h_j
// p^k_j = softmax over j of u^k . m_j, or of v_a . tanh(u^k + m_j)
// u^{k+1} = H u^k + sum_j p^k_j o_j        c_i = sum_j p^K_j h_j
class Hops : public AttentionModel {
 public:
  Hops(const Config& config, Parameters& parameters, int annotation_size)
      : Hops(parameters, config.integer("hops"), config.text("hop-score") == "additive",
             config.integer("dim-align"), config.integer("dim-rnn"), annotation_size) {}

  std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const override {
    struct Over : Attending {
      Over(Tape& tape, const Hops& model, const Encoded& encoded)
          : hops(model.hops_), W_u(tape.leaf(model.W_u_)), H(tape.leaf(model.H_)) {
        const Var h = encoded.annotations, m = linear(h, tape.leaf(model.A_));
        const std::optional<Var> v = model.v_a_ ? std::optional(tape.leaf(*model.v_a_)) : std::nullopt;
        if (hops > 1) read_o.emplace(m, linear(h, tape.leaf(model.C_)), v, encoded.lengths);
        read_h.emplace(m, h, v, encoded.lengths);
      }

      AttentionStep operator()(Var s, int, std::span<const Var>,
                               const Indices& sentence_of_row) const override {
        Var u = linear(s, W_u);
        for (int k = 1; k < hops; ++k) u = add(linear(u, H), (*read_o)(u, sentence_of_row).context);
        const Attended attended = (*read_h)(u, sentence_of_row);
        return {attended.context, attended.alpha, {}};
      }

      int hops;
      StepWeight W_u, H;
      std::optional<Attention> read_o, read_h;
    };
    return std::make_unique<Over>(tape, *this, encoded);
  }

 private:
  Hops(Parameters& parameters, int hops, bool additive, int align, int state, int annotation)
      : hops_(hops),
        W_u_(parameters.add("attention.W_u", {align, state}, Initial::normal(additive ? 0.001 : 0.01))),
        A_(parameters.add("attention.A", {align, annotation}, Initial::normal(additive ? 0.001 : 0.01))),
        C_(parameters.add("attention.C", {align, annotation}, Initial::normal(0.01))),
        H_(parameters.add("attention.H", {align, align}, Initial::identity())),
        v_a_(additive ? &parameters.add("attention.v_a", {align}) : nullptr) {}

  int hops_;
  const Parameter &W_u_, &A_, &C_, &H_;
  const Parameter* v_a_;  // null: the dot score
};

}  // namespace

AttentionKind hops_attention() {
  return {.name = "hops",
          .help = "all annotations, several times over (memory networks)",
          .fields = {dim_align_field(), size_field("hops", 3, "K, times a step reads the source"),
                     choice_field("hop-score", {"dot", "additive"}, "score of an annotation in a hop")},
          .bidirectional = true,
          .make = [](const Config& config, Parameters& parameters, int annotation_size) {
            return std::unique_ptr<AttentionModel>(new Hops(config, parameters, annotation_size));
          }};
}

}  // namespace mininmt
