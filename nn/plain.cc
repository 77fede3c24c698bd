// RNNsearch as appendix A of the paper (P) writes it, an equation a line. nn/rnnsearch computes the same
// faster, with fused operations, and is tested against this. Sections are those of MODEL.md.
#include "nn/plain.h"

#include "nn/rnnsearch/sites.h"
#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// The paper's signs, for each row x of a batch: W * x is a matrix by a vector, x * y goes element by element.
Var operator*(const Parameter& W, Var x) { return linear(x, x.tape->leaf(W)); }
Var operator*(Var x, Var y) { return multiply(x, y); }
Var operator+(Var x, Var y) { return add(x, y); }
Var operator+(Var x, const Parameter& b) { return add(x, x.tape->leaf(b)); }
Var dot(const Parameter& v, Var x) { return linear(x, stack({x.tape->leaf(v)})); }

Var filled(Tape& tape, Memory& memory, const Shape& shape, real value) {
  const Tensor x(shape, memory);
  x.fill(value);
  return tape.constant(x);
}
Var operator-(real a, Var x) { return filled(*x.tape, x.value().memory(), x.shape(), a) + scale(x, -1); }

// Section 6 (P B.1): where parameters start.
const Parameter& matrix(Parameters& p, const std::string& name, int rows, int columns,
                        double deviation = 0.01) {
  return p.add(name, {rows, columns}, Initial::normal(deviation));
}
const Parameter& orthogonal(Parameters& p, const std::string& name, int n) {
  return p.add(name, {n, n}, Initial::orthogonal());
}
const Parameter& zeros(Parameters& p, const std::string& name, int n) { return p.add(name, {n}); }

// Section 1 (P A.1.1, A.2.1): one direction of the encoder.
struct Gru {
  Parameters& p;
  const std::string at;
  const int m, n;
  const Parameter &W = matrix(p, at + ".W", n, m), &U = orthogonal(p, at + ".U", n),
                  &b = zeros(p, at + ".b", n);
  const Parameter &W_z = matrix(p, at + ".W_z", n, m), &U_z = orthogonal(p, at + ".U_z", n),
                  &b_z = zeros(p, at + ".b_z", n);
  const Parameter &W_r = matrix(p, at + ".W_r", n, m), &U_r = orthogonal(p, at + ".U_r", n),
                  &b_r = zeros(p, at + ".b_r", n);

  // h_j from x = E_x x_j and the state before.
  Var next(Var x, Var h) const {
    const Var z = sigmoid(W_z * x + U_z * h + b_z);
    const Var r = sigmoid(W_r * x + U_r * h + b_r);
    const Var candidate = tanh(W * x + U * (r * h) + b);
    return (1 - z) * h + z * candidate;
  }
};

class Plain final : public Model {
  // Section 8: names and shapes.
  Parameters& p = parameters_;
  const int V_x = config_.source_words, V_y = config_.target_words, m = config_.integer("dim-emb"),
            n = config_.integer("dim-rnn"), A = config_.integer("dim-align"),
            l = config_.integer("dim-maxout");
  const Parameter &E_x = matrix(p, "source_embedding", V_x, m), &E_y = matrix(p, "target_embedding", V_y, m);
  const Gru forward{p, "encoder.forward", m, n}, backward{p, "encoder.backward", m, n};
  const Parameter &W_a = matrix(p, "attention.W_a", A, n, 0.001),
                  &U_a = matrix(p, "attention.U_a", A, 2 * n, 0.001), &v_a = zeros(p, "attention.v_a", A);
  const Parameter &W_s = matrix(p, "decoder.W_s", n, n), &b_s = zeros(p, "decoder.b_s", n);
  const Parameter &W = matrix(p, "decoder.W", n, m), &U = orthogonal(p, "decoder.U", n),
                  &C = matrix(p, "decoder.C", n, 2 * n), &b = zeros(p, "decoder.b", n);
  const Parameter &W_z = matrix(p, "decoder.W_z", n, m), &U_z = orthogonal(p, "decoder.U_z", n),
                  &C_z = matrix(p, "decoder.C_z", n, 2 * n), &b_z = zeros(p, "decoder.b_z", n);
  const Parameter &W_r = matrix(p, "decoder.W_r", n, m), &U_r = orthogonal(p, "decoder.U_r", n),
                  &C_r = matrix(p, "decoder.C_r", n, 2 * n), &b_r = zeros(p, "decoder.b_r", n);
  const Parameter &U_o = matrix(p, "readout.U_o", 2 * l, n), &V_o = matrix(p, "readout.V_o", 2 * l, m),
                  &C_o = matrix(p, "readout.C_o", 2 * l, 2 * n), &b_o = zeros(p, "readout.b_o", 2 * l);
  const Parameter &W_o = matrix(p, "output.W_o", V_y, l), &b_y = zeros(p, "output.b_y", V_y);

  const std::string order = config_.text("decoder-order");
  const double dropout_emb = config_.real_number("dropout-emb"),
               dropout_annotations = config_.real_number("dropout-annotations"),
               dropout_readout = config_.real_number("dropout-readout");

  struct Encoded {
    Var h, U_a_h;  // annotations h_j (S, B, 2n); U_a h_j (S, B, n'), once a sentence
    Var s_0;       // (B, n)
    Indices lengths;
  };

  // Section 1 (P A.2.1): h_j = [forward h_j; backward h_j], each from 0. Section 3: s_0.
  Encoded encode(Tape& tape, const Words& source, const Indices& lengths, const Noise& noise) const {
    const Var Ex = noise.apply(embed(tape.leaf(E_x), source), dropout_emb, kSourceEmbedding);
    const int S = source.steps;
    const Var zero = filled(tape, E_x.value.memory(), {source.batch, n}, 0);
    // 1 at words, 0 in padding: made of the ids on the device, as a captured graph is run again with others.
    const Var ones = filled(tape, E_x.value.memory(), {V_x, 1}, 1);
    const Var is_word = linear(embed(ones, source), filled(tape, E_x.value.memory(), {n, 1}, 1));
    const auto state = [&](const Gru& gru, Var h,
                           int j) {  // in padding 0, so backward starts at the last word
      return step(is_word, j) * gru.next(step(Ex, j), h);
    };
    std::vector<Var> forward_h(S), backward_h(S);
    for (int j = 0; j < S; ++j) forward_h[j] = state(forward, j > 0 ? forward_h[j - 1] : zero, j);
    for (int j = S - 1; j >= 0; --j) backward_h[j] = state(backward, j + 1 < S ? backward_h[j + 1] : zero, j);
    const Var h = noise.apply(concat(stack(forward_h), stack(backward_h)), dropout_annotations, kAnnotations);
    return {h, U_a * h, tanh(W_s * backward_h[0] + b_s), lengths};
  }

  // Section 2 (P A.1.2): c_i and alpha_i.
  std::pair<Var, Var> attend(const Encoded& x, Var s) const {
    const Var W_a_s = W_a * s;
    const auto score = [&](int j) { return dot(v_a, tanh(W_a_s + step(x.U_a_h, j))); };  // e_ij
    Var e = score(0);
    for (int j = 1; j < x.h.shape()[0]; ++j) e = concat(e, score(j));
    const Var alpha = softmax(e, x.lengths);   // P eq. 6
    return {weighted_sum(alpha, x.h), alpha};  // P eq. 5
  }

  // Section 3 (P A.2.2): s_i from s_{i-1}, the embedding of a word, and c_i.
  Var update(Var s, Var Ey, Var c) const {
    const Var z = sigmoid(W_z * Ey + U_z * s + C_z * c + b_z);
    const Var r = sigmoid(W_r * Ey + U_r * s + C_r * c + b_r);
    const Var candidate = tanh(W * Ey + U * (r * s) + C * c + b);
    return (1 - z) * s + z * candidate;
  }

  // Section 4 (P A.2.2): t_i, and W_o t_i + b_y, whose softmax is p(y_i).
  Var readout(Var s, Var Ey, Var c, const Noise& noise) const {
    return noise.apply(maxout(U_o * s + V_o * Ey + C_o * c + b_o), dropout_readout, kReadout);
  }
  Var scores(Var t) const { return W_o * t + b_y; }

  Var embed_target(Tape& tape, const Words& words, const Noise& noise) const {
    return noise.apply(embed(tape.leaf(E_y), words), dropout_emb, kTargetEmbedding);
  }

  // Section 5: from y_{i-1} to what p(y_i) is read out from, in the three orders. The state is s; after
  // `authors` also c_i, with which s is updated as soon as y_i is known.
  struct Step {
    State after;
    Var s, c, alpha;
  };
  Step advance(const Encoded& x, const State& before, Var Ey) const {
    const Var s = before.parts.size() == 2 ? update(before.parts[0], Ey, before.parts[1]) : before.parts[0];
    const auto [c, alpha] = attend(x, s);
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
    const Var Ey = embed_target(tape, batch.previous, training.noise);
    State state{0, {x.s_0}};
    std::vector<Var> s, c;
    for (int i = 0; i < batch.previous.steps; ++i) {
      const Step now = advance(x, state, step(Ey, i));
      s.push_back(now.s);
      c.push_back(now.c);
      state = now.after;
    }
    const auto at_words = [&](Var all) { return gather_rows(all, batch.rows); };
    const Var t = readout(at_words(stack(s)), at_words(Ey), at_words(stack(c)), training.noise);
    return softmax_xent(scores(t), batch.targets, training.label_smoothing);
  }

  std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const override {
    struct OneBatch final : Decoding {
      OneBatch(const Plain& model, const Encoded& x) : model(model), x(x) {}

      State start() const override { return {0, {x.s_0}}; }

      std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                        const Indices& sentence_of_row) const override {
        Words previous;
        previous.steps = 1;
        previous.batch = static_cast<int>(words.size());
        previous.ids = words;
        const Var Ey = mininmt::step(model.embed_target(tape, previous, {}), 0);
        const Step now = model.advance(of_rows(tape, sentence_of_row), before, Ey);
        const Var t = model.readout(now.s, Ey, now.c, {});
        return {now.after, {model.scores(t).value(), {}, now.alpha.value()}};
      }

      // The source of each row.
      Encoded of_rows(Tape& tape, const Indices& rows) const {
        const auto gathered = [&](Var all) {
          const Var steps = tape.constant(all.value());
          std::vector<Var> picked;
          for (int j = 0; j < all.shape()[0]; ++j)
            picked.push_back(gather_rows(mininmt::step(steps, j), rows));
          return stack(picked);
        };
        std::vector<std::int32_t> lengths;
        for (const std::int32_t b : rows) lengths.push_back(x.lengths[b]);
        return {gathered(x.h), gathered(x.U_a_h), {}, lengths};
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
