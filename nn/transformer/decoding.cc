#include "nn/transformer/decoding.h"

#include <algorithm>

#include "nn/output_layer.h"
#include "ops/arrange.h"

namespace mininmt {
namespace {

// Keys and values of one attention, a row each. Rows are only added: what a hypothesis refers to stays.
struct KeysAndValues {
  Tensor keys, values;  // (at least rows, d)
  std::int64_t rows = 0;

  void add(const Tensor& k, const Tensor& v) {
    const std::int64_t more = k.shape()[0];
    for (auto& [all, added] : {std::pair(&keys, &k), {&values, &v}}) {
      const std::int64_t room = all->defined() ? all->shape()[0] : 0;
      if (rows + more > room) {
        const Tensor larger(k.shape().with_first(std::max(rows + more, 2 * room)), k.memory());
        if (rows > 0) larger.slice(0, rows).set(all->slice(0, rows));
        *all = larger;
      }
      all->slice(rows, more).set(*added);
    }
    rows += more;
  }
};

// The keys and values of the source are computed once per sentence, those of the words so far once per
// hypothesis and word. Both are read by number: State::kept has the numbers of a hypothesis's words.
class TransformerDecoding : public Decoding {
 public:
  TransformerDecoding(const Transformer& model, Var source, const Indices& lengths)
      : model_(model),
        steps_(source.shape()[0]),
        batch_(source.shape()[1]),
        lengths_(lengths),
        output_(model.output_weight(), model.output_bias()) {
    for (const DecoderLayer& layer : model.decoder()) {
      const auto rows = [](Var x) { return x.value().reshape({x.shape().rows(), x.shape()[-1]}); };
      const Tensor keys = rows(layer.source().keys(source));
      source_.push_back({keys, rows(layer.source().values(source)), keys.shape()[0]});
    }
    words_.resize(source_.size());
  }

  State start() const override { return {}; }

  std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                    const Indices& sentence_of_row) const override {
    State after{before.words + 1, {}, before.kept};
    auto& numbers = after.kept.emplace_back();
    for (std::size_t r = 0; r < words.size(); ++r)
      numbers.push_back(static_cast<std::int32_t>(words_[0].rows + static_cast<std::int64_t>(r)));
    const Indices history = by_row(after.kept), positions = positions_of(sentence_of_row);

    Var x = mininmt::step(model_.embed_target(tape, one_step(words), before.words, {}), 0);
    Tensor alpha;
    for (std::size_t l = 0; l < words_.size(); ++l) {
      const DecoderLayer& layer = model_.decoder()[l];
      x = layer(
          x, {},
          [&](Var h) {
            words_[l].add(layer.self().keys(h).value(), layer.self().values(h).value());
            return read(layer.self(), h, words_[l], history).context;
          },
          [&](Var h) {
            const Attended attended = read(layer.source(), h, source_[l], positions);
            alpha = attended.alpha;
            return attended.context;
          });
    }
    return {after, output_.predict(model_.normalize_decoded(x), alpha)};
  }

  void restrict_to(const Indices& words) override { output_.restrict_to(words); }

 private:
  static Attended read(const MultiHead& heads, Var h, const KeysAndValues& from, const Indices& picked) {
    const Attended attended = attend_to_rows(heads.queries(h), from.keys, from.values, heads.heads(), picked);
    return {heads.output(attended.context), attended.alpha};
  }

  // (words, R) as (R, words)
  static Indices by_row(const std::vector<std::vector<std::int32_t>>& kept) {
    std::vector<std::int32_t> picked;
    for (std::size_t r = 0; r < kept[0].size(); ++r)
      for (const auto& numbers : kept) picked.push_back(numbers[r]);
    return picked;
  }

  // (R, S): the rows of each one's source, kNone at padding.
  Indices positions_of(const Indices& sentence_of_row) const {
    std::vector<std::int32_t> picked;
    for (const std::int32_t b : sentence_of_row)
      for (std::int64_t j = 0; j < steps_; ++j)
        picked.push_back(j < lengths_[static_cast<std::size_t>(b)] ? static_cast<std::int32_t>(j * batch_ + b)
                                                                   : kNone);
    return picked;
  }

  const Transformer& model_;
  std::int64_t steps_, batch_;
  Indices lengths_;
  OutputLayer output_;
  std::vector<KeysAndValues> source_;
  mutable std::vector<KeysAndValues> words_;  // grows with every step
};

}  // namespace

std::unique_ptr<Decoding> transformer_decoding(const Transformer& model, Var source, const Indices& lengths) {
  return std::make_unique<TransformerDecoding>(model, source, lengths);
}

}  // namespace mininmt
