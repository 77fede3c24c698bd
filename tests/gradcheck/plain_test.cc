// The plain RNNsearch (nn/plain.cc) and the fused one (nn/rnnsearch) agree to rounding in double.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "autograd/gradcheck.h"
#include "nn/beam_search.h"
#include "nn/model_file.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/models/twins.h"
#include "tests/ops/op_table.h"
#include "tests/ops/report.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;

// Varying lengths on both sides; the first sentence is not the longest, and one is just </s>.
Batch ragged_batch(const BatchShape& at_least = {}) {
  const Sentences sources = random_sentences({3, 5, 1, 4}, 9),
                  targets = random_sentences({4, 2, 3, 1}, 11, 2);
  return make_batch(spans(sources), spans(targets), at_least);
}

struct Result {
  Tensor costs;
  std::map<std::string, Tensor> gradients;
};

Result compute(const Model& model, const Batch& batch, const Training& training) {
  const Tensor gradients = model.parameters().new_gradients();
  Tape tape(gradients);
  const Var costs = model.costs(tape, batch, training);
  const Tensor values = costs.value().clone();
  tape.backward(sum(costs));
  return {values, parts_of(model, gradients)};
}

void check_same(const Result& a, const Result& b) {
  CHECK(largest_difference(a.costs, b.costs) <= kRounding * largest(b.costs));
  REQUIRE(a.gradients.size() == b.gradients.size());
  for (const auto& part : b.gradients) {
    const std::string& name = part.first;
    const Tensor& gradient = part.second;
    INFO(name);
    CHECK(largest_difference(a.gradients.at(name), gradient) <= kRounding * largest(gradient));
    CHECK(largest(gradient) > 0);
  }
}

std::vector<std::vector<Hypothesis>> translations(const Model& model) {
  const Sentences sources = random_sentences({3, 8, 1, 5, 2}, 9, 4);
  SearchOptions options;
  options.beam_size = options.n_best = 4;
  options.alignment = true;
  return beam_search(model, spans(sources), options);
}

}  // namespace

TEST_CASE("plain and fused have the same costs and gradients, with dropout and with more padding too") {
  const Training training{0.1, {.on = true, .seed = 3, .update = 5}};
  for (const std::string& order : kOrders)
    for (const BatchShape& room : {BatchShape{}, {7, 6, 13}}) {
      INFO(order);
      const Batch batch = ragged_batch(room);
      const Twins twins(small_config(order)), noisy(with_dropout(small_config(order)));
      check_same(compute(*twins.fused, batch, {}), compute(*twins.plain, batch, {}));
      check_same(compute(*noisy.fused, batch, training), compute(*noisy.plain, batch, training));
    }
  for (const char* tied : {"target", "all"}) {
    INFO(tied);
    const Twins twins(with_tied(small_config(), tied));
    check_same(compute(*twins.fused, ragged_batch(), training),
               compute(*twins.plain, ragged_batch(), training));
  }
}

TEST_CASE("plain passes the gradient check") {
  for (const std::string& order : kOrders) {
    const Twins twins(small_config(order));
    const Batch batch = ragged_batch();
    const GradcheckResult result = check_gradients(
        twins.plain->parameters(), [&](Tape& tape) { return twins.plain->costs(tape, batch, {}); });
    report_row("plain model, " + order, "S 5, T 4, m 3, n 5, n' 7, l 3", result);
    CHECK(result.passed());
    CHECK(result.elements == twins.fused->parameters().count());
  }
}

TEST_CASE("plain and fused translate the same") {
  for (const std::string& order : kOrders) {
    INFO(order);
    const Twins twins(small_config(order));
    const auto plain = translations(*twins.plain), fused = translations(*twins.fused);
    REQUIRE(plain.size() == fused.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
      REQUIRE(plain[i].size() == fused[i].size());
      for (std::size_t k = 0; k < plain[i].size(); ++k) {
        const Hypothesis &a = plain[i][k], &b = fused[i][k];
        CHECK(a.words == b.words);
        CHECK(std::abs(a.log_p - b.log_p) <= kRounding * (1 + std::abs(b.log_p)));
        REQUIRE(a.alpha.size() == b.alpha.size());
        for (std::size_t t = 0; t < a.alpha.size(); ++t) {
          REQUIRE(a.alpha[t].size() == b.alpha[t].size());
          for (std::size_t j = 0; j < a.alpha[t].size(); ++j)
            CHECK(std::abs(a.alpha[t][j] - b.alpha[t][j]) < 1e-6);
        }
      }
    }
  }
}

TEST_CASE("plain and fused start from the same values") {
  const Twins twins(small_config());
  for (Model* model : {twins.fused.get(), twins.plain.get()}) model->parameters().initialize(5);
  const auto plain = parts_of(*twins.plain), fused = parts_of(*twins.fused);
  REQUIRE(plain.size() == fused.size());
  for (const auto& part : fused) CHECK_MESSAGE(same_bits(plain.at(part.first), part.second), part.first);
}

TEST_CASE("plain and fused write the same file, which is read as the fused model") {
  const TemporaryFolder folder;
  const Twins twins(small_config("body"));
  const std::string of_plain = folder.path("plain"), of_fused = folder.path("fused");
  save_model(of_plain, *twins.plain, twins.plain->parameters().values());
  save_model(of_fused, *twins.fused, twins.fused->parameters().values());
  CHECK(read_whole(of_plain) == read_whole(of_fused));
  const auto loaded = load_model(of_plain);
  CHECK_FALSE(loaded->config().flag("plain"));
  copy_parameters(*loaded, *twins.plain);  // rounded to float
  check_same(compute(*loaded, ragged_batch(), {}), compute(*twins.plain, ragged_batch(), {}));
}

TEST_CASE("plain refuses other kinds of attention") {
  Config fixed = plain(small_config());
  fixed.set("alignment-model", "fixed");
  CHECK_THROWS_WITH_AS(make_model(fixed), "plain: only with alignment-model additive, not fixed", UsageError);
}

}  // namespace mininmt
