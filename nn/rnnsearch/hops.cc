// Several hops (MODEL.md 9.7; end-to-end memory networks, Sukhbaatar et al. 2015): attention whose query is
// refined by what it has read.
#include "nn/rnnsearch/attention.h"
#include "ops/attention.h"
#include "ops/elementwise.h"

namespace mininmt {
namespace {

// u^1 = W_u s_{i-1}        m_j = A h_j, o_j = C h_j
// p^k_j = softmax over j of the score: u^k . m_j, or u^k . m_j / n', or v_a . tanh(u^k + m_j)
// u^{k+1} = H u^k + sum_j p^k_j o_j        c_i = sum_j p^K_j h_j
class Hops : public AttentionModel {
 public:
  Hops(const Config& config, Parameters& parameters, int annotation_size)
      : Hops(parameters, config.integer("hops"), config.text("hop-score"), config.integer("dim-align"),
             config.integer("dim-rnn"), annotation_size) {}

  std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const override {
    struct Over : Attending {
      Over(Tape& tape, const Hops& model, const Encoded& encoded)
          : hops(model.hops_), W_u(tape.leaf(model.W_u_)), H(tape.leaf(model.H_)) {
        const Var h = encoded.annotations, Ah = linear(h, tape.leaf(model.A_));
        const Var m = model.scaled_ ? scale(Ah, real{1} / static_cast<real>(model.A_.value.shape()[0])) : Ah;
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
  Hops(Parameters& parameters, int hops, const std::string& score, int align, int state, int annotation)
      : hops_(hops),
        scaled_(score == "scaled-dot"),
        W_u_(parameters.add("attention.W_u", {align, state},
                            Initial::normal(score == "additive" ? 0.001 : 0.01))),
        A_(parameters.add("attention.A", {align, annotation},
                          Initial::normal(score == "additive" ? 0.001 : 0.01))),
        C_(parameters.add("attention.C", {align, annotation}, Initial::normal(0.01))),
        H_(parameters.add("attention.H", {align, align}, Initial::identity())),
        v_a_(score == "additive" ? &parameters.add("attention.v_a", {align}) : nullptr) {}

  int hops_;
  bool scaled_;  // the dot score is divided by n'
  const Parameter &W_u_, &A_, &C_, &H_;
  const Parameter* v_a_;  // null: a dot score
};

}  // namespace

AttentionKind hops_attention() {
  return {.name = "hops",
          .help = "all annotations, several times over (memory networks)",
          .fields = {dim_align_field(), size_field("hops", 3, "K, times a step reads the source"),
                     choice_field("hop-score", {"dot", "scaled-dot", "additive"},
                                  "score of an annotation in a hop; scaled: divided by --dim-align, so that "
                                  "Adam doesn't make it too sharp to learn from")},
          .bidirectional = true,
          .make = [](const Config& config, Parameters& parameters, int annotation_size) {
            return std::unique_ptr<AttentionModel>(new Hops(config, parameters, annotation_size));
          }};
}

}  // namespace mininmt
