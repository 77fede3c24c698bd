// The Transformer (MODEL.md 9.9) in double: its layers against PyTorch's, what the order of words and the
// causal mask must and must not change, and the gradient of the whole model.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "nn/transformer/transformer.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/gradcheck/transformer_torch.h"
#include "tests/models/model_table.h"
#include "tests/ops/op_table.h"
#include "tests/ops/report.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;

const Transformer& transformer(const Model& model) { return dynamic_cast<const Transformer&>(model); }

Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  const Tensor x(shape);
  const Random random{5, stream};
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<real>(random.normal(static_cast<std::uint64_t>(i)));
  return x;
}

// Array k of tests/oracle/make_transformer_torch.py.
void set_array(int k, const Tensor& x) {
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<real>(0.5 * std::sin(1 + 2.3 * k + 1.7 * static_cast<double>(i)));
}

const std::vector<std::string> kOrderOfArrays = {
    "self_attention.W_Q",   "self_attention.W_K",    "self_attention.W_V",   "self_attention.W_O",
    "source_attention.W_Q", "source_attention.W_K",  "source_attention.W_V", "source_attention.W_O",
    "feed_forward.W_1",     "feed_forward.b_1",      "feed_forward.W_2",     "feed_forward.b_2",
    "self_attention.norm",  "source_attention.norm", "feed_forward.norm"};

// Sets the parameters of "layer"; the norms are counted in the order of use.
void set_parameters(const Parameters& parameters, bool is_decoder) {
  int k = -1;
  for (const std::string& name : kOrderOfArrays) {
    const bool norm = name.ends_with("norm");
    if (norm && !is_decoder && name.starts_with("source")) continue;
    for (const std::string& suffix :
         norm ? std::vector<std::string>{".gain", ".bias"} : std::vector<std::string>{""}) {
      ++k;
      for (const Parameter* p : parameters.all())
        if (p->name == "layer." + name + suffix) set_array(k, p->value);
    }
  }
}

Config config_of_torch(const std::string& norm) {
  Config config = transformer_config(norm);
  config.set("dim-model", 4);
  config.set("dim-ffn", 6);
  return config;
}

void check_near(const Tensor& x, std::span<const double> expected) {
  REQUIRE(static_cast<std::size_t>(x.size()) == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(x.data()[i] - expected[i]) <= 1e-13 * (1 + std::abs(expected[i])));
  }
}

struct LayerTest {
  Parameters parameters;
  const Parameter &x, &source;

  explicit LayerTest(int steps)
      : x(parameters.add("x", {steps * 2, 4})), source(parameters.add("source", {6, 4})) {}

  // y, and the gradients of sum_i cos(i) y_i.
  template <class F>
  std::pair<Tensor, Tensor> run(const F& f) const {
    const Tensor gradients = parameters.new_gradients();
    Tape tape(gradients);
    const Var y = f(tape);
    const Tensor weights(y.shape());
    for (std::int64_t i = 0; i < weights.size(); ++i)
      weights.data()[i] = static_cast<real>(std::cos(static_cast<double>(i)));
    const Tensor value = y.value().clone();
    tape.backward(sum(multiply(y, tape.constant(weights))));
    return {value, gradients};
  }
};

// (T 2, 4) as (T, 2, 4)
Var sequence(Tape& tape, const Parameter& p) {
  std::vector<Var> steps;
  for (std::int64_t t = 0; t < p.shape[0] / 2; ++t) steps.push_back(slice(tape.leaf(p), 2 * t, 2));
  return stack(steps);
}

void check_encoder_layer(const std::string& norm, std::span<const double> value,
                         std::span<const double> gradient) {
  LayerTest test(3);
  const EncoderLayer layer(test.parameters, "layer", config_of_torch(norm), 1);
  test.parameters.allocate();
  set_parameters(test.parameters, false);
  set_array(20, test.x.value);
  const auto [y, gradients] = test.run([&](Tape& tape) { return layer(sequence(tape, test.x), {3, 2}, {}); });
  check_near(y, value);
  check_near(Parameters::view(gradients, test.x), gradient);
}

void check_decoder_layer(const std::string& norm, std::span<const double> value,
                         std::span<const double> gradient, std::span<const double> source_gradient) {
  LayerTest test(4);
  const DecoderLayer layer(test.parameters, "layer", config_of_torch(norm), 1);
  test.parameters.allocate();
  set_parameters(test.parameters, true);
  set_array(22, test.x.value);
  set_array(21, test.source.value);
  const auto [y, gradients] = test.run([&](Tape& tape) {
    const Var source = sequence(tape, test.source);
    return layer(
        sequence(tape, test.x), {}, [&](Var h) { return layer.self()(h, h, {}, true); },
        [&](Var h) {
          return layer.source()(h, source, {3, 2}, false);
        });
  });
  check_near(y, value);
  check_near(Parameters::view(gradients, test.x), gradient);
  check_near(Parameters::view(gradients, test.source), source_gradient);
}

TEST_CASE("the layers are PyTorch's, with both norms") {
  check_encoder_layer("post", kPostEncoded, kPostEncodedGradient);
  check_encoder_layer("pre", kPreEncoded, kPreEncodedGradient);
  check_decoder_layer("post", kPostDecoded, kPostDecodedGradient, kPostDecodedSourceGradient);
  check_decoder_layer("pre", kPreDecoded, kPreDecodedGradient, kPreDecodedSourceGradient);
}

TEST_CASE("without positions the order of the source changes nothing; with them it does") {
  const std::vector<std::int32_t> order = {2, 0, 3, 1};
  for (const std::string norm : {"post", "pre"}) {
    const auto owned = random_model(transformer_config(norm));
    const Transformer& model = transformer(*owned);
    Tape tape;
    const Tensor x = random_tensor({4, 1, 6}, 1), permuted({4, 1, 6});
    for (std::int64_t j = 0; j < 4; ++j)
      permuted.slice(j, 1).set(x.slice(order[static_cast<std::size_t>(j)], 1));
    const Var words = tape.constant(random_tensor({3, 1, 6}, 2));
    const auto decoded = [&](Var source) {
      return model.decode_all(words, model.encode(source, {4}, {}), {4}, {}).value();
    };
    const Tensor y = decoded(tape.constant(x));
    CHECK(largest_difference(decoded(tape.constant(permuted)), y) <= kRounding * largest(y));

    const Sentences sources = {{2, 3, 4, kEos}}, others = {{4, 2, 3, kEos}}, targets = {{5, 6, kEos}};
    const double a = log_probabilities(model, batch_of(sources, targets))[0],
                 b = log_probabilities(model, batch_of(others, targets))[0];
    CHECK(std::abs(a - b) > 1e-3);
  }
}

TEST_CASE("a word changes only what comes after it, to the bit") {
  for (const std::string norm : {"post", "pre"}) {
    Config config = transformer_config(norm);
    config.set("layers", 2);
    const auto model = random_model(config);
    const Sentences sources = random_sentences({4, 3}, 9), targets = {{3, 4, 5, 6, kEos}, {7, 8, 9, 2, kEos}};
    for (int k = 1; k < 5; ++k) {
      Batch batch = batch_of(sources, targets);
      const auto costs = [&] {
        Tape tape;
        return model->costs(tape, batch, {}).value().clone();
      };
      const Tensor before = costs();
      std::vector<std::int32_t> ids = batch.previous.ids.values();
      ids[static_cast<std::size_t>(2 * k)] =
          10;  // y_k of the first sentence: the input that predicts y_{k+1}
      batch.previous.ids = ids;
      const Tensor after = costs();
      CHECK(same_bits(after.slice(0, 2 * k), before.slice(0, 2 * k)));
      CHECK(after.data()[2 * k] != before.data()[2 * k]);
      CHECK(after.data()[2 * k + 1] == before.data()[2 * k + 1]);  // the other sentence
    }
  }
}

// The operation of hops and content addressing.
TEST_CASE("one head with identities for its matrices is attention with the dot score") {
  Config config = transformer_config();
  config.set("heads", 1);
  Parameters parameters;
  const MultiHead head(parameters, "head", config);
  parameters.allocate();
  for (const Parameter* p : parameters.all())
    for (int i = 0; i < 6; ++i) p->value.data()[7 * i] = 1;
  Tape tape;
  const Indices lengths = {5, 2, 4};
  const Var x = tape.constant(random_tensor({3, 3, 6}, 1)), read = tape.constant(random_tensor({5, 3, 6}, 2));
  const Var y = head(x, read, lengths, false);
  for (int t = 0; t < 3; ++t) {
    const Var query = scale(step(x, t), static_cast<real>(1 / std::sqrt(6.0)));
    const Tensor expected = attend(query, read, read, {}, lengths).context.value();
    CHECK(largest_difference(step(y, t).value(), expected) <= kRounding);
  }
}

TEST_CASE("the whole Transformer passes the gradient check, with dropout and label smoothing too") {
  const Batch batch = batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
  for (const ModelRow& row : model_table()) {
    if (row.config.type != "transformer") continue;
    for (const bool noisy : {false, true}) {
      Config config = row.config;
      config.set("dropout", noisy ? 0.3 : 0.0);
      const auto model = random_model(config);
      const Training training{noisy ? 0.1 : 0.0, {.on = noisy, .seed = 3, .update = 5}};
      const GradcheckResult result = check_gradients(
          model->parameters(), [&](Tape& tape) { return model->costs(tape, batch, training); });
      report_row(row.name + (noisy ? ", noise" : ""), "S 5, T 4, d 6, h 2, ffn 5", result);
      CHECK(result.passed());
      CHECK(result.elements == model->parameters().count());
    }
  }
}

// Those of W_Q and W_K are small where all positions are much alike: 2e-4 in post-norm.
TEST_CASE("every parameter of the Transformer has a gradient") {
  const Batch batch = batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
  for (const ModelRow& row : model_table()) {
    if (row.config.type != "transformer") continue;
    const auto model = random_model(row.config);
    const Tensor gradients = model->parameters().new_gradients();
    Tape tape(gradients);
    tape.backward(sum(model->costs(tape, batch, {})));
    for (const Parameter* p : model->parameters().all())
      CHECK_MESSAGE(largest(Parameters::view(gradients, *p)) > 1e-4, row.name << ": " << p->name);
  }
}

TEST_CASE("sizes that don't fit are refused") {
  Config config = transformer_config();
  config.set("heads", 4);
  CHECK_THROWS_WITH_AS(make_model(config), doctest::Contains("4 do not divide dim-model 6"), UsageError);
  config.set("heads", 1);
  config.set("dim-model", 7);
  CHECK_THROWS_WITH_AS(make_model(config), doctest::Contains("7 is odd"), UsageError);
  config = transformer_config("post", "all");
  config.source_words = 9;
  CHECK_THROWS_WITH_AS(make_model(config), doctest::Contains("not 9 and 11 words"), UsageError);
}

}  // namespace
}  // namespace mininmt
