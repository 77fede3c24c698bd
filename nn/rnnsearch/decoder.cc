#include "nn/rnnsearch/decoder.h"

#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/maxout.h"

namespace mininmt {
namespace {

const Parameter& add_matrix(Parameters& parameters, const std::string& name, int rows, int columns) {
  return parameters.add(name, {rows, columns}, Initial::normal(0.01));
}

}  // namespace

DecoderOrder decoder_order(const Config& config) {
  const std::string& order = config.text("decoder-order");
  return order == "authors" ? DecoderOrder::kAuthors
         : order == "body"  ? DecoderOrder::kBody
                            : DecoderOrder::kAppendix;
}

DecoderParts::DecoderParts(Parameters& p, const Config& config, const Embeddings& embeddings,
                           int annotation_size, int readout_size)
    : dropout_embeddings_(config.real_number("dropout-emb")),
      embedding_(embeddings.target),
      W_s_(add_matrix(p, "decoder.W_s", config.integer("dim-rnn"), config.integer("dim-rnn"))),
      b_s_(p.add("decoder.b_s", {config.integer("dim-rnn")})),
      gru_(p, "decoder", config.integer("dim-emb"), config.integer("dim-rnn")),
      U_o_(add_matrix(p, "readout.U_o", readout_size, config.integer("dim-rnn"))),
      V_o_(add_matrix(p, "readout.V_o", readout_size, config.integer("dim-emb"))),
      C_o_(add_matrix(p, "readout.C_o", readout_size, annotation_size)),
      b_o_(p.add("readout.b_o", {readout_size})),
      W_o_(embeddings.output("dim-maxout", Initial::normal(0.01))),
      b_y_(p.add("output.b_y", {config.target_words})) {}

Var DecoderParts::embed_words(Tape& tape, const Words& words, const Noise& noise) const {
  return noise.apply(embed(tape.leaf(embedding_), words), dropout_embeddings_, kTargetEmbedding);
}

Var DecoderParts::project_words(Tape& tape, Var embedded) const { return gru_.project(tape, embedded); }

Var DecoderParts::first_state(Tape& tape, Var start) const {
  return tanh(linear(start, tape.leaf(W_s_), tape.leaf(b_s_)));
}

Var DecoderParts::readout_of_state(Tape& tape, Var s, Var embedded) const {
  const Var of_s = linear(s, tape.leaf(U_o_), tape.leaf(b_o_));
  return add(of_s, linear(embedded, tape.leaf(V_o_)));
}

Var DecoderParts::readout_of_source(Tape& tape, Var c) const { return linear(c, tape.leaf(C_o_)); }

Decoder::Decoder(Parameters& p, const Config& config, const Embeddings& embeddings, int annotation_size)
    : DecoderParts(p, config, embeddings, annotation_size, 2 * config.integer("dim-maxout")),
      order_(decoder_order(config)),
      dropout_readout_(config.real_number("dropout-readout")),
      C_(p.add("decoder.C", {3 * config.integer("dim-rnn"), annotation_size}, Initial::normal(0.01),
               {"decoder.C_z", "decoder.C_r", "decoder.C"})) {}

Var Decoder::readout(Tape& tape, Var s, Var embedded, Var c, const Noise& noise) const {
  const Var of_state = readout_of_state(tape, s, embedded);
  const Var of_context = readout_of_source(tape, c);
  return noise.apply(maxout(add(of_state, of_context)), dropout_readout_, kReadout);
}

DecoderPass::DecoderPass(Tape& tape, const Decoder& decoder, const AttentionModel& attention,
                         const Encoded& encoded)
    : order_(decoder.order_),
      attending_(attention.over(tape, encoded)),
      U_(tape.leaf(decoder.recurrent_weight())),
      C_(tape.leaf(decoder.C_)),
      s_0_(decoder.first_state(tape, encoded.start)) {}

State DecoderPass::start() const {
  State state{0, {s_0_}};
  for (const Var& part : attending_->start()) state.parts.push_back(part);
  return state;
}

// s_i = f(s_{i-1}, y, c_i): a GRU step with a third term, C c_i.
Var DecoderPass::update(Var s, Var projected, Var c) const { return gru_step(projected, s, U_, c, C_); }

DecoderPass::Step DecoderPass::step(const State& before, Var projected,
                                    const Indices& sentence_of_row) const {
  // `authors` updates with y_{i-1} at the end of step i-1; here that is done at the start of step i, when
  // y_{i-1} is known.
  const bool authors = order_ == DecoderOrder::kAuthors, has_c = authors && before.words > 0;
  const std::span memory = std::span(before.parts).subspan(1, before.parts.size() - (has_c ? 2 : 1));
  const Var s = has_c ? update(before.parts[0], projected, before.parts.back()) : before.parts[0];
  const AttentionStep attention = (*attending_)(s, before.words + 1, memory, sentence_of_row);
  const Var c = attention.context, next = authors ? s : update(s, projected, c);
  State after{before.words + 1, {next}};
  after.parts.insert(after.parts.end(), attention.memory.begin(), attention.memory.end());
  if (authors) after.parts.push_back(c);
  return {after, order_ == DecoderOrder::kBody ? next : s, c, attention.alpha};
}

}  // namespace mininmt
