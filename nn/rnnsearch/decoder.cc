#include "nn/rnnsearch/decoder.h"

#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/maxout.h"

namespace mininmt {

Decoder::Decoder(Parameters& parameters, const ModelOptions& o, int annotation_size)
    : embedding_(parameters.add("target_embedding", {o.target_words, o.dim_emb})),
      W_s_(parameters.add("decoder.W_s", {o.dim_rnn, o.dim_rnn})),
      b_s_(parameters.add("decoder.b_s", {o.dim_rnn})),
      gru_(parameters, "decoder", o.dim_emb, o.dim_rnn),
      C_(parameters.add("decoder.C", {3 * o.dim_rnn, annotation_size},
                        {"decoder.C_z", "decoder.C_r", "decoder.C"})),
      U_o_(parameters.add("readout.U_o", {2 * o.dim_maxout, o.dim_rnn})),
      V_o_(parameters.add("readout.V_o", {2 * o.dim_maxout, o.dim_emb})),
      C_o_(parameters.add("readout.C_o", {2 * o.dim_maxout, annotation_size})),
      b_o_(parameters.add("readout.b_o", {2 * o.dim_maxout})),
      W_o_(parameters.add("output.W_o", {o.target_words, o.dim_maxout})),
      b_y_(parameters.add("output.b_y", {o.target_words})),
      order_(o.decoder_order) {}

Var Decoder::embed_words(Tape& tape, const Words& words, const Noise& noise) const {
  return noise.apply(embed(tape.leaf(embedding_), words), noise.embeddings, Noise::kTargetEmbedding);
}

Var Decoder::project_words(Tape& tape, Var embedded) const { return gru_.project(tape, embedded); }

Var Decoder::readout(Tape& tape, Var s, Var embedded, Var c, const Noise& noise) const {
  const Var of_s = linear(s, tape.leaf(U_o_), tape.leaf(b_o_));
  const Var of_y = linear(embedded, tape.leaf(V_o_));
  const Var of_c = linear(c, tape.leaf(C_o_));
  return noise.apply(maxout(add(add(of_s, of_y), of_c)), noise.readout, Noise::kReadout);
}

Var Decoder::losses(Tape& tape, Var t, const Indices& targets, double label_smoothing) const {
  return output_losses(t, tape.leaf(W_o_), tape.leaf(b_y_), targets, label_smoothing);
}

BestWords Decoder::best_words(Tape& tape, Var t, std::int64_t k, bool bar_unk, const Indices& bar_eos) const {
  return mininmt::best_words(t, tape.leaf(W_o_), tape.leaf(b_y_), k, bar_unk, bar_eos);
}

// s_0 = tanh(W_s h + b_s)
Decoding::Decoding(Tape& tape, const Decoder& decoder, const Alignment& alignment, const Encoded& encoded)
    : order_(decoder.order_),
      look_(alignment.over(tape, encoded)),
      U_(tape.leaf(decoder.gru_.U)),
      C_(tape.leaf(decoder.C_)),
      s_0_(tanh(linear(encoded.start, tape.leaf(decoder.W_s_), tape.leaf(decoder.b_s_)))) {}

// s_i = f(s_{i-1}, y, c_i): a GRU step with a third term, C c_i.
Var Decoding::update(Var s, Var projected, Var c) const { return gru_step(projected, s, U_, c, C_); }

Decoding::Step Decoding::step(const State& before, Var projected, const Indices& sentence_of_row) const {
  // `authors` updates with y_{i-1} at the end of step i-1; here that is the beginning of step i, once y_{i-1}
  // is known.
  const bool authors = order_ == DecoderOrder::kAuthors;
  const Var s = authors && before.c.tape ? update(before.s, projected, before.c) : before.s;
  const Attended look = (*look_)(s, sentence_of_row);
  if (authors) return {{s, look.context}, s, look.context, look.alpha};
  const Var next = update(s, projected, look.context);
  return {{next, {}}, order_ == DecoderOrder::kBody ? next : s, look.context, look.alpha};
}

}  // namespace mininmt
