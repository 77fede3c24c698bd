#include "nn/lstm/lstm.h"

#include "nn/output_layer.h"
#include "ops/arrange.h"
#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/output.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Dropout (Zaremba, Sutskever, Vinyals 2014): between layers, never between steps. Sites of Noise.
enum DropoutSite : std::uint64_t { kSourceEmbedding = 1, kTargetEmbedding };
std::uint64_t encoder_site(std::size_t layer) { return 3 + 2 * layer; }
std::uint64_t decoder_site(std::size_t layer) { return 4 + 2 * layer; }

Initial initial_of(const Config& config, std::vector<double> constants = {0}) {
  return Initial::uniform(config.real_number("initial-range"), std::move(constants));
}

std::vector<LstmLayer> layers_of(Parameters& parameters, const std::string& side, const Config& config) {
  std::vector<LstmLayer> layers;
  for (int layer = 1; layer <= config.integer("layers"); ++layer)
    layers.emplace_back(parameters, join(side, ".layer", layer),
                        config.integer(layer == 1 ? "dim-emb" : "dim-rnn"), config);
  return layers;
}

// The parts of a state: h and c of each layer, from the lowest to the top.
class LstmDecoding : public Decoding {
 public:
  LstmDecoding(const DeepLstm& model, std::vector<LstmState> start)
      : model_(model), start_(std::move(start)), output_(model.output_weight(), model.output_bias()) {}

  State start() const override { return state_of(0, start_); }

  std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                    const Indices&) const override {
    std::vector<LstmState> states;
    for (std::size_t i = 0; i < before.parts.size(); i += 2)
      states.push_back({before.parts[i], before.parts[i + 1]});
    const Var h = mininmt::step(model_.run_decoder(tape, one_step(words), states, {}), 0);
    return {state_of(before.words + 1, states), output_.predict(h, {})};
  }

  void restrict_to(const Indices& words) override { output_.restrict_to(words); }

 private:
  static State state_of(int words, const std::vector<LstmState>& states) {
    State state{words, {}};
    for (const LstmState& layer : states) state.parts.insert(state.parts.end(), {layer.h, layer.c});
    return state;
  }

  const DeepLstm& model_;
  std::vector<LstmState> start_;
  OutputLayer output_;
};

std::vector<Field> lstm_fields() {
  Field reversed = flag_field("reverse-source", "read the source from its last word to its first, then </s>");
  reversed.standard = true;
  return {
      size_field("dim-emb", 256, "m, size of embeddings"),
      size_field("dim-rnn", 256, "n, units of each recurrent layer"),
      tied_embeddings_field(),
      layers_field(),
      reversed,
      {.name = "initial-range",
       .standard = 0.08,
       .least = 0,
       .most = 1,
       .choices = {},
       .help = "parameters start between -X and X"},
      {.name = "forget-bias",
       .standard = 1.0,
       .least = -10,
       .most = 10,
       .choices = {},
       .help = "added to the initial biases of the forget gates"},
      dropout_field("dropout-emb", 0.3, "dropout of embeddings, both sides"),
      dropout_field("dropout-layers", 0.3, "dropout of the output of each layer"),
  };
}

}  // namespace

LstmLayer::LstmLayer(Parameters& parameters, const std::string& name, int inputs, const Config& config)
    : W(parameters.add(name + ".W", {4 * config.integer("dim-rnn"), inputs}, initial_of(config),
                       {name + ".W_i", name + ".W_f", name + ".W_c", name + ".W_o"})),
      U(parameters.add(name + ".U", {4 * config.integer("dim-rnn"), config.integer("dim-rnn")},
                       initial_of(config), {name + ".U_i", name + ".U_f", name + ".U_c", name + ".U_o"})),
      b(parameters.add(name + ".b", {4 * config.integer("dim-rnn")},
                       initial_of(config, {0, config.real_number("forget-bias"), 0, 0}),
                       {name + ".b_i", name + ".b_f", name + ".b_c", name + ".b_o"})),
      p(parameters.add(name + ".p", {3 * config.integer("dim-rnn")}, initial_of(config),
                       {name + ".p_i", name + ".p_f", name + ".p_o"})) {}

LstmStates LstmLayer::run(Tape& tape, Var x, const LstmState& start, const Indices& lengths) const {
  return lstm(linear(x, tape.leaf(W), tape.leaf(b)), start, tape.leaf(U), tape.leaf(p), lengths);
}

DeepLstm::DeepLstm(const Config& config)
    : Model(config),
      dropout_embeddings_(config.real_number("dropout-emb")),
      dropout_layers_(config.real_number("dropout-layers")),
      embeddings_(parameters_, config_, "dim-emb", initial_of(config)),
      encoder_(layers_of(parameters_, "encoder", config)),
      decoder_(layers_of(parameters_, "decoder", config)),
      W_o_(embeddings_.output("dim-rnn", initial_of(config))),
      b_y_(parameters_.add("output.b_y", {config.target_words}, initial_of(config))) {}

std::vector<LstmState> DeepLstm::encode(Tape& tape, const Words& source, const Indices& lengths,
                                        const Noise& noise) const {
  const Var embedded = embed(tape.leaf(embeddings_.source), source);
  Var x = config_.flag("reverse-source") ? reverse_sentences(embedded, lengths) : embedded;
  x = noise.apply(x, dropout_embeddings_, kSourceEmbedding);
  const Var zero =
      tape.constant(Tensor::zeros({source.batch, config_.integer("dim-rnn")}, x.value().memory()));
  std::vector<LstmState> last;
  for (const LstmLayer& layer : encoder_) {
    if (!last.empty()) x = noise.apply(x, dropout_layers_, encoder_site(last.size()));
    const LstmStates states = layer.run(tape, x, {zero, zero}, lengths);
    last.push_back(states.last);
    x = states.h;
  }
  return last;
}

Var DeepLstm::run_decoder(Tape& tape, const Words& words, std::vector<LstmState>& states,
                          const Noise& noise) const {
  Var x = noise.apply(embed(tape.leaf(embeddings_.target), words), dropout_embeddings_, kTargetEmbedding);
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    const LstmStates of_layer = decoder_[i].run(tape, x, states[i], {});
    states[i] = of_layer.last;
    x = noise.apply(of_layer.h, dropout_layers_, decoder_site(i));
  }
  return x;
}

Var DeepLstm::costs(Tape& tape, const Batch& batch, const Training& training) const {
  std::vector<LstmState> states = encode(tape, batch.source, batch.source_lengths, training.noise);
  const Var h = run_decoder(tape, batch.previous, states, training.noise);
  return output_losses(gather_rows(h, batch.rows), tape.leaf(W_o_), tape.leaf(b_y_), batch.targets,
                       training.label_smoothing);
}

std::unique_ptr<Decoding> DeepLstm::decode(Tape& tape, const Words& source, const Indices& lengths) const {
  Tape of_encoder;  // search needs only the last states, copies of rows among all
  std::vector<LstmState> start;
  for (const LstmState& last : encode(of_encoder, source, lengths, {}))
    start.push_back({tape.constant(last.h.value().clone()), tape.constant(last.c.value().clone())});
  return std::make_unique<LstmDecoding>(*this, std::move(start));
}

Family lstm_family() {
  return {.name = "lstm",
          .fields = lstm_fields(),
          .make = [](const Config& config) { return std::unique_ptr<Model>(new DeepLstm(config)); },
          .shares_vocabulary = ties_all};
}

}  // namespace mininmt
