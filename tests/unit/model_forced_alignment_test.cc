// The attention over given pairs, of every model, on the CPU: search and the GPU's tests take the same steps.
#include <doctest/doctest.h>

#include "apps/translate/translator.h"
#include "tensor/error.h"
#include "tests/models/model_table.h"
#include "tests/unit/search_reference.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

// Varying lengths, in no order; one of each side is just </s>.
const Sentences kSources = random_sentences({3, 6, 1, 4}, 9),
                kTargets = random_sentences({4, 2, 5, 1}, 11, 2);

// The same of one pair, a step at a time.
std::vector<float> alone(const Model& model, std::size_t b) {
  Sentence prefix = kTargets[b];
  prefix.resize(kTargets[b].size() - 2 + static_cast<std::size_t>(model.attention_delay()), kEos);
  std::vector<float> weights;
  for (const auto& row : force(model, kSources[b], prefix).alpha)
    weights.insert(weights.end(), row.begin(), row.end());
  return weights;
}

bool has_attention(const Model& model) {
  return message_of<UsageError>([&] { forced_alignment(model, spans(kSources), spans(kTargets)); }).empty();
}

std::vector<float> row_of(const ForcedAlpha& alpha, std::size_t i) {
  const auto first = alpha.weights.begin() + static_cast<std::ptrdiff_t>(i * alpha.source_words);
  return {first, first + static_cast<std::ptrdiff_t>(alpha.source_words)};
}

TEST_CASE("the attention along a target in a batch is that of the sentence alone") {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    const auto model = model_under_test(row);
    if (!has_attention(*model)) continue;
    const auto alpha = forced_alignment(*model, spans(kSources), spans(kTargets));
    REQUIRE(alpha.size() == 4);
    for (std::size_t b = 0; b < 4; ++b) {
      CHECK(alpha[b].source_words == kSources[b].size());
      const auto expected = alone(*model, b);
      REQUIRE(alpha[b].weights.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(alpha[b].weights[i] == doctest::Approx(expected[i]).epsilon(1e-4));
    }
  }
}

// A word that is exchanged changes no attention before the step that the model names, and that one, unless
// the model's attention depends on no word at all.
TEST_CASE("the attention that a word changes first is as many steps later as the model says") {
  const Sentences source = {kSources[1]};
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    const auto model = model_under_test(row);
    if (!has_attention(*model)) continue;
    const std::size_t delay = static_cast<std::size_t>(model->attention_delay());
    for (std::size_t i = 0; i < 3; ++i) {
      Sentences targets = {{5, 6, 7, kEos}};
      const ForcedAlpha before = forced_alignment(*model, spans(source), spans(targets))[0];
      targets[0][i] = 9;
      const ForcedAlpha after = forced_alignment(*model, spans(source), spans(targets))[0];
      REQUIRE(before.weights.size() == (3 + delay) * before.source_words);
      for (std::size_t step = 0; step < i + delay; ++step) CHECK(row_of(before, step) == row_of(after, step));
      if (before.weights != after.weights) CHECK(row_of(before, i + delay) != row_of(after, i + delay));
    }
  }
  CHECK(random_model(small_config("authors"))->attention_delay() == 1);
  CHECK(random_model(small_config("body"))->attention_delay() == 2);
  CHECK(random_model(plain(small_config("appendix")))->attention_delay() == 2);
}

// The posterior of a sentence's last word, the </s>, is 1 at the last position of the source, where alone it
// can be; in a batch all are what they are alone.
TEST_CASE("the transducer has posteriors of given pairs") {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    const auto model = model_under_test(row);
    if (!has_attention(*model)) continue;
    const auto together = forced_alignment(*model, spans(kSources), spans(kTargets));
    for (std::size_t b = 0; b < 4; ++b) {
      const std::size_t S = kSources[b].size(), T = kTargets[b].size();
      const bool is_transducer = row.name.find("transducer") != std::string::npos;
      REQUIRE(together[b].posteriors.size() == (is_transducer ? T * S : 0));
      if (!is_transducer) continue;
      const auto alone = forced_alignment(*model, spans({kSources[b]}), spans({kTargets[b]}))[0];
      CHECK(together[b].posteriors.back() == doctest::Approx(1).epsilon(1e-5));
      for (std::size_t i = 0; i < T; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < S; ++j) {
          const float g = together[b].posteriors[i * S + j];
          CHECK(g == doctest::Approx(alone.posteriors[i * S + j]).epsilon(1e-4));
          sum += g;
        }
        CHECK(sum == doctest::Approx(1).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("lines are aligned as their sentences are, whatever the batches") {
  const auto model = random_model(small_config());
  Vocab source, target;
  while (source.size() < 9) source.add("s" + std::to_string(source.size()));
  while (target.size() < 11) target.add("t" + std::to_string(target.size()));
  const std::vector<std::string> sources = {"s2 s3", "", "s4 s5 s6 s7 nowhere", "s2"},
                                 targets = {"t9", "t2 t3 t4", "", "t5 t6"};
  for (int mini_batch : {1, 3}) {
    std::vector<ForcedAlpha> found(4);
    align_lines(*model, source, target, sources, targets, mini_batch, 2,
                [&](std::size_t i, const ForcedAlpha& alpha) { found[i] = alpha; });
    for (std::size_t i = 0; i < 4; ++i) {
      const Sentences x = {source.encode(sources[i])}, y = {target.encode(targets[i])};
      const auto expected = forced_alignment(*model, spans(x), spans(y))[0].weights;
      REQUIRE(found[i].weights.size() == expected.size());
      for (std::size_t k = 0; k < expected.size(); ++k)
        CHECK(found[i].weights[k] == doctest::Approx(expected[k]).epsilon(1e-4));
    }
  }
}

struct WithoutAttention : Model {
  WithoutAttention() : Model(small_config()) {}
  struct OneBatch : Decoding {
    State start() const override { return {0, {}}; }
    std::pair<State, Prediction> step(Tape&, const State& before, const Indices&,
                                      const Indices&) const override {
      return {{before.words + 1, {}}, {}};
    }
  };
  Var costs(Tape&, const Batch&, const Training&) const override { return {}; }
  std::unique_ptr<Decoding> decode(Tape&, const Words&, const Indices&) const override {
    return std::make_unique<OneBatch>();
  }
};

TEST_CASE("a model without attention is refused, and so are lists of other lengths") {
  const WithoutAttention model;
  const std::string message =
      message_of<UsageError>([&] { forced_alignment(model, spans(kSources), spans(kTargets)); });
  CHECK(message.find("the model has no attention") == 0);
  CHECK_THROWS_AS(forced_alignment(model, spans(kSources), spans({kTargets[0]})), Error);
  CHECK(forced_alignment(model, {}, {}).empty());
}

}  // namespace
}  // namespace mininmt
