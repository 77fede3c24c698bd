#include "nn/rnnsearch/rnnsearch.h"

#include <algorithm>

#include "nn/output_layer.h"
#include "nn/plain.h"
#include "nn/rnnsearch/target_steps.h"
#include "ops/arrange.h"
#include "ops/output.h"

namespace mininmt {
namespace {

const AttentionKind& kind_of(const Config& config) {
  return find_attention_kind(config.text("alignment-model"));
}

class RnnSearchDecoding : public Decoding {
 public:
  RnnSearchDecoding(Tape& tape, const RnnSearch& model, const Encoded& encoded)
      : model_(model),
        pass_(tape, model.decoder(), model.attention(), encoded),
        output_(model.decoder().output_weight(), model.decoder().output_bias()) {}

  State start() const override { return pass_.start(); }

  std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                    const Indices& sentence_of_row) const override {
    const Decoder& decoder = model_.decoder();
    const Var embedded = mininmt::step(decoder.embed_words(tape, one_step(words), {}), 0);
    const DecoderPass::Step step = pass_.step(before, decoder.project_words(tape, embedded), sentence_of_row);
    const Var t = decoder.readout(tape, step.s, embedded, step.c, {});
    return {step.after, output_.predict(t, step.alpha)};
  }

  void restrict_to(const Indices& words) override { output_.restrict_to(words); }

 private:
  const RnnSearch& model_;
  DecoderPass pass_;
  OutputLayer output_;
};

// Not saved: plain and fused models have the same files.
Field plain_field() {
  Field plain =
      flag_field("plain", "an equation a line, in small operations (nn/plain.cc): the same model, slower");
  plain.saved = false;
  return plain;
}

// Including those of the attention kinds, each with the kinds it applies to.
std::vector<Field> rnnsearch_fields() {
  std::vector<std::string> kinds;
  std::string help = "what a step of the decoder reads of the source.";
  for (const AttentionKind& kind : attention_kinds()) {
    kinds.push_back(kind.name);
    help += (kinds.size() == 1 ? " " : "; ") + kind.name + ": " + kind.help;
  }
  std::vector<Field> fields = {
      size_field("dim-emb", 256, "m, size of embeddings"),
      size_field("dim-rnn", 256, "n, units of each recurrent layer"),
      size_field("dim-maxout", 256, "l, units of the readout's maxout layer"),
      choice_field(
          "decoder-order", {"authors", "body", "appendix"},
          "which state is updated with which word: as in the authors' program, the paper's text, or its "
          "appendix"),
      choice_field("alignment-model", kinds, help),
      dropout_field("dropout-emb", 0.3, "dropout of embeddings, both sides"),
      dropout_field("dropout-annotations", 0.3, "dropout of the annotations"),
      dropout_field("dropout-readout", 0.3, "dropout of the maxout layer's output"),
      tied_embeddings_field(),
      plain_field(),
  };
  for (const AttentionKind& kind : attention_kinds())
    for (Field field : kind.fields) {
      auto known =
          std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field.name; });
      if (known == fields.end()) {
        field.needs = "alignment-model";
        known = fields.insert(fields.end(), field);
      }
      known->needs_one_of.push_back(kind.name);
    }
  return fields;
}

}  // namespace

RnnSearch::RnnSearch(const Config& config)
    : Model(config),
      embeddings_(parameters_, config_, "dim-emb", Initial::normal(0.01)),
      encoder_(parameters_, config, embeddings_, kind_of(config).bidirectional),
      attention_(kind_of(config).make(config, parameters_, encoder_.annotation_size())),
      decoder_(parameters_, config, embeddings_, encoder_.annotation_size()) {}

Var RnnSearch::costs(Tape& tape, const Batch& batch, const Training& training) const {
  const Noise& noise = training.noise;
  const Encoded encoded = encoder_.encode(tape, batch.source, batch.source_lengths, noise);
  const TargetSteps steps(batch, encoded.annotations.value().memory());
  const Var embedded = steps.computed(decoder_.embed_words(tape, batch.previous, noise));
  const Var projected = decoder_.project_words(tape, embedded);
  const DecoderPass pass(tape, decoder_, *attention_, encoded);
  State state = pass.start();
  std::vector<Var> states, contexts;
  for (int i = 0; i < steps.count(); ++i) {
    const DecoderPass::Step step = pass.step(steps.rows(state, i), steps.step(projected, i));
    state = step.after;
    states.push_back(step.s);
    contexts.push_back(step.c);
  }

  // In training the readout is not fed back, so it runs once, over all real words.
  const Var t = decoder_.readout(tape, steps.at_words(states), steps.at_words(embedded),
                                 steps.at_words(contexts), noise);
  return output_losses(t, tape.leaf(decoder_.output_weight()), tape.leaf(decoder_.output_bias()),
                       batch.targets, training.label_smoothing);
}

std::unique_ptr<Decoding> RnnSearch::decode(Tape& tape, const Words& source, const Indices& lengths) const {
  return std::make_unique<RnnSearchDecoding>(tape, *this, encoder_.encode(tape, source, lengths, {}));
}

Family rnnsearch_family() {
  return {.name = "rnnsearch",
          .fields = rnnsearch_fields(),
          .make =
              [](const Config& config) {
                if (config.flag("plain")) return make_plain(config);
                if (const auto make_model = kind_of(config).make_model) return make_model(config);
                return std::unique_ptr<Model>(new RnnSearch(config));
              },
          .one_softmax = [](const Config& config) { return kind_of(config).make_model == nullptr; },
          .shares_vocabulary = ties_all};
}

}  // namespace mininmt
