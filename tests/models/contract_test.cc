// What training, search and model files expect of every model (nn/model.h). Gradient checks are in
// gradcheck/model_test.cc and cuda/gradcheck_test.cc, captured graphs in cuda/captured_updates_test.cc, over
// the same models.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "nn/beam_search.h"
#include "nn/model_file.h"
#include "ops/reduce.h"
#include "tests/models/model_table.h"
#include "tests/ops/op_table.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

constexpr bool kFloat = sizeof(real) == 4;
constexpr double kTolerance = kFloat ? 3e-5 : 1e-11;

// Varying lengths on both sides; the first sentence is not the longest, and one is just </s>.
const Sentences kSources = random_sentences({3, 6, 1, 4}, 9),
                kTargets = random_sentences({4, 2, 5, 1}, 11, 2);

template <class Check>
void for_each_model(const Check& check) {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    check(row, *model_under_test(row));
  }
}

void check_near(double x, double y) { CHECK(std::abs(x - y) <= kTolerance * (1 + std::abs(y))); }

std::vector<std::int32_t> one_to_one(std::size_t count) {
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(static_cast<std::int32_t>(i));
  return rows;
}

// log p of every word, row by row.
std::vector<std::vector<double>> log_probabilities_of(const Prediction& prediction) {
  const Tensor scores = prediction.scores.to(cpu_memory());
  const Tensor bias = prediction.bias.defined() ? prediction.bias.to(cpu_memory()) : Tensor();
  const std::int64_t words = scores.shape()[1];
  std::vector<std::vector<double>> rows;
  for (std::int64_t r = 0; r < scores.shape()[0]; ++r) {
    std::vector<double>& row = rows.emplace_back();
    double sum = 0;
    for (std::int64_t w = 0; w < words; ++w) {
      row.push_back(scores.data()[r * words + w] + (bias.defined() ? bias.data()[w] : real{0}));
      sum += std::exp(row.back());
    }
    for (double& x : row) x -= std::log(sum);
  }
  return rows;
}

// All sentences of kSources in one batch, forced along kTargets.
struct Forced {
  Tape tape;
  std::unique_ptr<Decoding> decoding;
  State state;
  Prediction prediction;

  explicit Forced(const Model& model) {
    Lengths lengths;
    const IdMatrix source = pad(spans(kSources), lengths);
    decoding = model.decode(tape, source, lengths);
    state = decoding->start();
  }
  // The word before position i of each target, or its </s> once it has ended.
  static std::vector<std::int32_t> words_before(std::size_t i) {
    std::vector<std::int32_t> words;
    for (const Sentence& target : kTargets)
      words.push_back(i == 0 ? kNone : target[std::min(i, target.size()) - 1]);
    return words;
  }
  void step(std::size_t i) {
    std::tie(state, prediction) = decoding->step(tape, state, words_before(i), one_to_one(kTargets.size()));
  }
  void attend(std::size_t i) {
    std::tie(state, prediction) = decoding->attend(tape, state, words_before(i), one_to_one(kTargets.size()));
  }
};

struct Result {
  Tensor costs, gradients;  // on the host
};

Result compute(const Model& model, const Batch& batch) {
  const Tensor gradients = model.parameters().new_gradients();
  Tape tape(gradients);
  const Var costs = model.costs(tape, batch, {});
  const Tensor on_host = costs.value().to(cpu_memory()).clone();
  tape.backward(sum(costs));
  return {on_host, gradients.to(cpu_memory()).clone()};
}

TEST_CASE("step by step a model says what its costs say") {
  for_each_model([](const ModelRow&, const Model& model) {
    Forced forced(model);
    std::vector<double> log_p(kTargets.size(), 0.0);
    for (std::size_t i = 0; i < 5; ++i) {
      forced.step(i);
      CHECK(forced.state.words == static_cast<int>(i) + 1);
      const auto next = log_probabilities_of(forced.prediction);
      for (std::size_t b = 0; b < kTargets.size(); ++b)
        if (i < kTargets[b].size()) log_p[b] += next[b][static_cast<std::size_t>(kTargets[b][i])];
    }
    const auto expected = log_probabilities(model, batch_of(kSources, kTargets));
    for (std::size_t b = 0; b < kTargets.size(); ++b) check_near(log_p[b], expected[b]);
  });
}

TEST_CASE("the costs are of words or of sentences, and add up to log p") {
  for_each_model([](const ModelRow&, const Model& model) {
    const Batch batch = batch_of(kSources, kTargets);
    const Tensor costs = compute(model, batch).costs;
    CHECK((costs.size() == batch.target_words() || costs.size() == batch.sentences));
    double total = 0, expected = 0;
    for (real cost : costs.values()) total -= cost;
    for (double log_p : log_probabilities(model, batch)) expected += log_p;
    check_near(total, expected);
    CHECK(expected < -1);
  });
}

TEST_CASE("attention, where a model has one, is on the words of the sentence alone") {
  for_each_model([](const ModelRow&, const Model& model) {
    Forced forced(model), attending(model);
    for (std::size_t i = 0; i < 3; ++i) forced.step(i), attending.attend(i);
    REQUIRE(forced.prediction.alpha.defined() == model.attends());
    if (!model.attends()) return;
    const Tensor alpha = forced.prediction.alpha.to(cpu_memory());
    CHECK(largest_difference(alpha, attending.prediction.alpha.to(cpu_memory())) == 0);
    REQUIRE(alpha.shape() == Shape{4, 6});
    for (std::int64_t b = 0; b < 4; ++b)
      for (std::int64_t j = 0; j < 6; ++j) {
        CHECK(alpha.data()[b * 6 + j] >= 0);
        if (j >= static_cast<std::int64_t>(kSources[static_cast<std::size_t>(b)].size()))
          CHECK(alpha.data()[b * 6 + j] == 0);
      }
  });
}

// What search does between two steps: dropping, repeating and permuting rows.
TEST_CASE("rows of a state may be permuted and repeated") {
  const std::vector<std::int32_t> rows = {2, 0, 0, 3, 1, 2, 0};
  for_each_model([&](const ModelRow&, const Model& model) {
    Forced forced(model);
    for (std::size_t i = 0; i < 2; ++i) forced.step(i);
    const std::vector<std::int32_t> words = Forced::words_before(2);
    std::vector<std::int32_t> picked_words;
    for (std::int32_t row : rows) picked_words.push_back(words[static_cast<std::size_t>(row)]);
    Tape tape;
    const auto picked =
        forced.decoding->step(tape, select(tape, forced.state, rows), picked_words, rows).second;
    forced.step(2);
    const auto expected = log_probabilities_of(forced.prediction), found = log_probabilities_of(picked);
    REQUIRE(found.size() == rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t w = 0; w < found[r].size(); ++w)
        check_near(found[r][w], expected[static_cast<std::size_t>(rows[r])][w]);
  });
}

TEST_CASE("the log p of a beam's hypotheses is what scoring gives") {
  for_each_model([](const ModelRow&, const Model& model) {
    SearchOptions options;
    options.beam_size = options.n_best = 3;
    options.max_length_factor = 2;
    options.allow_unk = true;
    const auto found = beam_search(model, spans(kSources), options);
    std::size_t hypotheses = 0;
    for (std::size_t b = 0; b < kSources.size(); ++b)
      for (const Hypothesis& h : found[b]) {
        Sentence words = h.words;
        if (h.ended) words.push_back(kEos);
        check_near(h.log_p, log_probabilities(model, batch_of({kSources[b]}, {words}))[0]);
        ++hypotheses;
      }
    CHECK(hypotheses == 3 * kSources.size());
  });
}

void check_alone_as_together(const Model& model, const Sentences& sources, const Sentences& targets) {
  const double tolerance = kTolerance * static_cast<double>(sources.size()) / 4;  // of sums
  const auto together = log_probabilities(model, batch_of(sources, targets));
  const Tensor expected = compute(model, batch_of(sources, targets)).gradients;
  const Tensor summed = Tensor::zeros(expected.shape());
  for (std::size_t b = 0; b < sources.size(); ++b) {
    const Batch alone = batch_of({sources[b]}, {targets[b]});
    check_near(log_probabilities(model, alone)[0], together[b]);
    const Tensor own = compute(model, alone).gradients;
    for (std::int64_t i = 0; i < own.size(); ++i) summed.data()[i] += own.data()[i];
  }
  for (const Parameter* p : model.parameters().all()) {
    INFO(p->name);
    const Tensor x = Parameters::view(summed, *p), y = Parameters::view(expected, *p);
    CHECK(largest_difference(x, y) <= tolerance * largest(y));
    CHECK(largest(y) > 0);
  }
}

TEST_CASE("a sentence alone costs what it costs in a batch, and gradients add up") {
  for_each_model(
      [](const ModelRow&, const Model& model) { check_alone_as_together(model, kSources, kTargets); });
}

// So that the decoder's later steps have fewer rows.
TEST_CASE("the same of minibatches with the longest target first, or last") {
  const Sentences sources = random_sentences({3, 5, 1, 4, 2, 5, 3, 1, 4, 2}, 9, 6);
  for (const std::vector<int>& lengths :
       {std::vector{7, 6, 6, 4, 4, 3, 2, 2, 1, 1}, {1, 2, 1, 1, 2, 3, 1, 2, 4, 7}})
    for_each_model([&](const ModelRow&, const Model& model) {
      check_alone_as_together(model, sources, random_sentences(lengths, 11, 7));
    });
}

std::vector<real> numbers_of(const Tensor& gradients, const Parameter& parameter) {
  const Tensor host = Parameters::view(gradients, parameter).to(cpu_memory());
  return {host.values().begin(), host.values().end()};
}

TEST_CASE("a gradient does not change once the tape says that it is final, in the same order each time") {
  for_each_model([](const ModelRow&, const Model& model) {
    std::vector<const Parameter*> order;
    for (const Sentences& targets : {kTargets, Sentences{kTargets[0]}}) {
      const Sentences sources = targets.size() == 1 ? Sentences{kSources[2]} : kSources;
      const Batch batch = batch_of(sources, targets);
      const Tensor gradients = model.parameters().new_gradients();
      std::vector<std::pair<const Parameter*, std::vector<real>>> finals;
      Tape tape(gradients);
      tape.on_final([&](const Parameter& p) { finals.push_back({&p, numbers_of(gradients, p)}); });
      tape.backward(sum(model.costs(tape, batch, {})));
      std::vector<const Parameter*> told;
      for (const auto& [parameter, values] : finals) {
        CHECK_MESSAGE(values == numbers_of(gradients, *parameter), parameter->name);
        told.push_back(parameter);
      }
      if (order.empty()) order = told;
      CHECK(told == order);
      CHECK(std::set(told.begin(), told.end()).size() == model.parameters().all().size());
    }
  });
}

// Captured graphs are reused for batches of other lengths in the same padded shape.
TEST_CASE("more padding changes nothing") {
  for_each_model([](const ModelRow&, const Model& model) {
    const Result tight = compute(model, batch_of(kSources, kTargets));
    Result roomy = compute(model, make_batch(spans(kSources), spans(kTargets), {9, 8, 17}));
    if (roomy.costs.size() == 17) {  // a cost per word, of which there are 12
      for (std::int64_t i = 12; i < 17; ++i) CHECK(roomy.costs.data()[i] == 0);
      roomy.costs = roomy.costs.slice(0, 12);
    }
    CHECK(largest_difference(roomy.costs, tight.costs) <= kTolerance * largest(tight.costs));
    CHECK(largest_difference(roomy.gradients, tight.gradients) <= kTolerance * largest(tight.gradients));
  });
}

TEST_CASE("the same bits again") {
  for_each_model([](const ModelRow&, const Model& model) {
    const Batch batch = batch_of(kSources, kTargets);
    const Result first = compute(model, batch), second = compute(model, batch);
    CHECK(same_bits(first.costs, second.costs));
    CHECK(same_bits(first.gradients, second.gradients));
  });
}

TEST_CASE("dropout acts while training alone, by its own numbers") {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    Config config = row.config;
    for (const Field& field : config.fields())
      if (field.name.starts_with("dropout")) config.set(field.name, 0.3);
    const auto model = model_under_test({row.name, config}), plain = model_under_test(row);
    const Batch batch = batch_of(kSources, kTargets);
    const auto cost = [&](const Noise& noise) {
      Tape tape;
      return sum(model->costs(tape, batch, {0, noise})).value().item();
    };
    Tape tape;
    CHECK(cost({}) == doctest::Approx(sum(plain->costs(tape, batch, {})).value().item()).epsilon(1e-6));
    const Noise one{.on = true, .seed = 1, .update = 3}, other{.on = true, .seed = 1, .update = 4};
    CHECK(cost(one) == cost(one));
    CHECK(cost(one) != cost(other));
    CHECK(std::abs(cost(one) - cost({})) > 1e-3);
  }
}

TEST_CASE("saved and loaded, a model computes the same") {
  for_each_model([](const ModelRow& row, const Model&) {
    auto model = random_model(row.config);
    for (real& x : model->parameters().values().values()) x = static_cast<float>(x);  // as in files
    const TemporaryFolder folder;
    const std::string path = folder.path("model.safetensors");
    save_model(path, *model, model->parameters().values());
    const auto loaded = load_model(path);
    CHECK(loaded->config() == model->config());
    for (Model* m : {loaded.get(), model.get()}) m->parameters().move_to(memory_under_test());
    const Batch batch = batch_of(kSources, kTargets);
    const auto found = log_probabilities(*loaded, batch), expected = log_probabilities(*model, batch);
    for (std::size_t b = 0; b < expected.size(); ++b) check_near(found[b], expected[b]);
    // The file of a plain model is loaded as the fused model, which rounds differently.
    if (loaded->parameters().all().size() == model->parameters().all().size()) CHECK(found == expected);
  });
}

}  // namespace
}  // namespace mininmt
