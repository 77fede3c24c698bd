// RNNsearch as in appendix A of the paper (P), one equation per line. nn/rnnsearch computes the same with
// fused operations, faster, and is tested against this. Section numbers are those of MODEL.md.
#include "nn/plain.h"

#include "nn/embeddings.h"
#include "nn/notation.h"
#include "nn/rnnsearch/sites.h"
#include "ops/arrange.h"
#include "ops/embedding.h"
#include "ops/maxout.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tensor/error.h"

namespace mininmt {
using namespace notation;

// Section 1 (P A.1.1).
Var plain_gru_step(const Gates& x, Var h, const Gates& U) {
  const Var z = sigmoid(x.z + times(U.z, h));
  const Var r = sigmoid(x.r + times(U.r, h));
  const Var candidate = tanh(x.candidate + times(U.candidate, r * h));
  return (1 - z) * h + z * candidate;
}

// Section 2 (P A.1.2).
std::pair<Var, Var> plain_attend(Var W_a_s, Var U_a_h, Var h, Var v_a, const Indices& lengths) {
  const auto score = [&](int j) { return times(stack({v_a}), tanh(W_a_s + step(U_a_h, j))); };  // e_ij
  Var e = score(0);
  for (int j = 1; j < h.shape()[0]; ++j) e = concat(e, score(j));
  const Var alpha = softmax(e, lengths);   // P eq. 6
  return {weighted_sum(alpha, h), alpha};  // P eq. 5
}

namespace {

// Section 6 (P B.1): initial values.
const Parameter& matrix(Parameters& p, const std::string& name, int rows, int columns,
                        double deviation = 0.01) {
  return p.add(name, {rows, columns}, Initial::normal(deviation));
}
const Parameter& orthogonal(Parameters& p, const std::string& name, int n) {
  return p.add(name, {n, n}, Initial::orthogonal());
}
const Parameter& zeros(Parameters& p, const std::string& name, int n) { return p.add(name, {n}); }

struct Gru {
  Parameters& p;
  const std::string at;
  const int m, n;
  const Parameter &W = matrix(p, at + ".W", n, m), &W_z = matrix(p, at + ".W_z", n, m),
                  &W_r = matrix(p, at + ".W_r", n, m), &U = orthogonal(p, at + ".U", n),
                  &U_z = orthogonal(p, at + ".U_z", n), &U_r = orthogonal(p, at + ".U_r", n),
                  &b = zeros(p, at + ".b", n), &b_z = zeros(p, at + ".b_z", n),
                  &b_r = zeros(p, at + ".b_r", n);

  Gates project(Var x) const { return {W_z * x + b_z, W_r * x + b_r, W * x + b}; }
  Var next(const Gates& x, Var h) const {
    return plain_gru_step(x, h, {h.tape->leaf(U_z), h.tape->leaf(U_r), h.tape->leaf(U)});
  }
};

class Plain final : public Model {
  // Section 8: names and shapes.
  Parameters& p = parameters_;
  const int V_x = config_.source_words, V_y = config_.target_words, m = config_.integer("dim-emb"),
            n = config_.integer("dim-rnn"), A = config_.integer("dim-align"),
            l = config_.integer("dim-maxout");
  const Embeddings E{p, config_, "dim-emb", Initial::normal(0.01)};
  const Parameter &E_x = E.source, &E_y = E.target;
  const Gru forward{p, "encoder.forward", m, n}, backward{p, "encoder.backward", m, n},
      decoder{p, "decoder", m, n};
  const Parameter &C = matrix(p, "decoder.C", n, 2 * n), &C_z = matrix(p, "decoder.C_z", n, 2 * n),
                  &C_r = matrix(p, "decoder.C_r", n, 2 * n);
  const Parameter &W_a = matrix(p, "attention.W_a", A, n, 0.001),
                  &U_a = matrix(p, "attention.U_a", A, 2 * n, 0.001), &v_a = zeros(p, "attention.v_a", A);
  const Parameter &W_s = matrix(p, "decoder.W_s", n, n), &b_s = zeros(p, "decoder.b_s", n);
  const Parameter &U_o = matrix(p, "readout.U_o", 2 * l, n), &V_o = matrix(p, "readout.V_o", 2 * l, m),
                  &C_o = matrix(p, "readout.C_o", 2 * l, 2 * n), &b_o = zeros(p, "readout.b_o", 2 * l);
  const Parameter &W_o = E.output("dim-maxout", Initial::normal(0.01)), &b_y = zeros(p, "output.b_y", V_y);

  const std::string order = config_.text("decoder-order");
  const double dropout_emb = config_.real_number("dropout-emb"),
               dropout_annotations = config_.real_number("dropout-annotations"),
               dropout_readout = config_.real_number("dropout-readout");

  struct Encoded {
    Var h, U_a_h;  // annotations h_j (S, B, 2n); U_a h_j (S, B, n'), once per sentence
    Var s_0;       // (B, n)
    Indices lengths;
  };

  // Section 1 (P A.2.1): h_j = [forward h_j; backward h_j], each from 0. Section 3: s_0.
  Encoded encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const {
    const Var Ex = noise.apply(embed(tape.leaf(E_x), source), dropout_emb, kSourceEmbedding);
    const Var zero = filled(Ex, {source.batch, n}, 0);
    // 1 at words, 0 at padding: computed on the device, since a captured graph runs with different ids.
    const Var is_word = linear(embed(filled(Ex, {V_x, 1}, 1), source), filled(Ex, {n, 1}, 1));
    // In padding the state is 0. The fused GRU carries it through, to the same results: backward comes to the
    // last word from 0 either way, and nothing here reads forward after it.
    const auto state = [&](const Gru& gru, Var h, int j) {
      return step(is_word, j) * gru.next(gru.project(step(Ex, j)), h);
    };
    const int S = source.steps;
    std::vector<Var> forward_h(S), backward_h(S);
    for (int j = 0; j < S; ++j) forward_h[j] = state(forward, j > 0 ? forward_h[j - 1] : zero, j);
    for (int j = S - 1; j >= 0; --j) backward_h[j] = state(backward, j + 1 < S ? backward_h[j + 1] : zero, j);
    const Var h = noise.apply(concat(stack(forward_h), stack(backward_h)), dropout_annotations, kAnnotations);
    return {h, U_a * h, tanh(W_s * backward_h[0] + b_s), lengths};
  }

  // Section 3 (P A.2.2): s_i from s_{i-1}, the embedding of a word, and c_i.
  Var update(Var s, Var Ey, Var c) const {
    const Gates x = decoder.project(Ey);
    return decoder.next({x.z + C_z * c, x.r + C_r * c, x.candidate + C * c}, s);
  }

  // Section 4 (P A.2.2): W_o t_i + b_y, whose softmax is p(y_i).
  Var scores(Var s, Var Ey, Var c, const Noise& noise) const {
    const Var t = maxout(U_o * s + V_o * Ey + C_o * c + b_o);
    return W_o * noise.apply(t, dropout_readout, kReadout) + b_y;
  }

  // Section 5: from y_{i-1} to the inputs of the readout of p(y_i), in the three orders. The state is s; with
  // `authors` also c_i, with which s is updated once y_i is known.
  struct Step {
    State after;
    Var s, c, alpha;
  };
  Step advance(const Encoded& x, const State& before, Var Ey) const {
    const Var s = before.parts.size() == 2 ? update(before.parts[0], Ey, before.parts[1]) : before.parts[0];
    const auto [c, alpha] = plain_attend(W_a * s, x.U_a_h, x.h, s.tape->leaf(v_a), x.lengths);
    if (order == "authors") return {{before.words + 1, {s, c}}, s, c, alpha};
    const Var next = update(s, Ey, c);
    return {{before.words + 1, {next}}, order == "body" ? next : s, c, alpha};
  }

 public:
  explicit Plain(const Config& config) : Model(config) {
    if (config.text("alignment-model") != "additive")
      throw UsageError("plain: only with alignment-model additive, not " + config.text("alignment-model"));
  }

  Var costs(Tape& tape, const Batch& batch, const Training& training) const override {
    const Encoded x = encode(tape, batch.source, batch.source_lengths, training.noise);
    const Var Ey = training.noise.apply(embed(tape.leaf(E_y), batch.previous), dropout_emb, kTargetEmbedding);
    State state{0, {x.s_0}};
    std::vector<Var> s, c;
    for (int i = 0; i < batch.previous.steps; ++i) {
      const Step now = advance(x, state, step(Ey, i));
      s.push_back(now.s);
      c.push_back(now.c);
      state = now.after;
    }
    const auto at_words = [&](Var all) { return gather_rows(all, batch.rows); };
    const Var logits = scores(at_words(stack(s)), at_words(Ey), at_words(stack(c)), training.noise);
    return softmax_xent(logits, batch.targets, training.label_smoothing);
  }

  int attention_delay() const override { return order == "authors" ? 1 : 2; }

  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override {
    struct OneBatch final : Decoding {
      OneBatch(const Plain& model, const Encoded& x) : model(model), x(x) {}
      State start() const override { return {0, {x.s_0}}; }
      std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                        const Indices& sentence_of_row) const override {
        const auto of_rows = [&](Var all) {  // (S, B, ...) -> (S, R, ...): the sentence of each row
          std::vector<Var> steps;
          for (int j = 0; j < all.shape()[0]; ++j)
            steps.push_back(gather_rows(mininmt::step(tape.constant(all.value()), j), sentence_of_row));
          return stack(steps);
        };
        std::vector<std::int32_t> lengths;
        for (const std::int32_t b : sentence_of_row) lengths.push_back(x.lengths[b]);
        const Var Ey = gather_rows(tape.leaf(model.E_y), words);
        const Step now = model.advance({of_rows(x.h), of_rows(x.U_a_h), {}, lengths}, before, Ey);
        return {now.after, {model.scores(now.s, Ey, now.c, {}).value(), {}, now.alpha.value()}};
      }
      const Plain& model;
      const Encoded x;
    };
    return std::make_unique<OneBatch>(*this, encode(tape, source, lengths, {}));
  }
};

}  // namespace

std::unique_ptr<Model> make_plain(const Config& config) { return std::make_unique<Plain>(config); }

}  // namespace mininmt
