// One update: cost types, clipping, parts, dropout, averaging, non-finite gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/unit/train_corpus.h"

namespace mininmt {
namespace {

const ParallelCorpus kCorpus = random_corpus(16);

struct Run {
  std::unique_ptr<Model> model;
  UpdateReport report;
  std::vector<real> before, after, average;

  double change() const {
    double square = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
      square += std::pow(static_cast<double>(after[i]) - before[i], 2);
    return std::sqrt(square);
  }
};

// This many updates of a random model, all with the same 16 pairs.
Run run(const TrainOptions& options, int threads = 1, int updates = 1) {
  Run r{random_model(options.config), {}, {}, {}, {}};
  r.before = copy_of(r.model->parameters().values());
  const auto updater = make_updater(*r.model, options, threads);
  std::vector<std::uint32_t> pairs(kCorpus.size());
  std::iota(pairs.begin(), pairs.end(), 0u);
  for (int i = 0; i < updates; ++i) r.report = updater->update(minibatch_of(kCorpus, pairs));
  r.after = copy_of(r.model->parameters().values());
  r.average = copy_of(updater->values());
  return r;
}

double largest_difference(const std::vector<real>& a, const std::vector<real>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST_CASE("a report counts sentences, words with </s>, and the cost") {
  const Run r = run(plain_options());
  std::int64_t words = 0;
  double cost = 0;
  const auto model = random_model(small_config());
  for (std::size_t i = 0; i < kCorpus.size(); ++i) {
    words += static_cast<std::int64_t>(kCorpus.target(i).size());
    const std::span<const Id> x[] = {kCorpus.source(i)}, y[] = {kCorpus.target(i)};
    cost -= log_probabilities(*model, make_batch(x, y))[0];
  }
  CHECK(r.report.sentences == 16);
  CHECK(r.report.words == words);
  CHECK(r.report.cost == doctest::Approx(cost).epsilon(1e-5));
  CHECK(r.report.applied);
}

TEST_CASE("cost types scale the gradient by the sentences or words of the minibatch") {
  TrainOptions options = plain_options();
  const Run sum = run(options);
  options.cost_type = "ce-mean";
  const Run mean = run(options);
  options.cost_type = "ce-mean-words";
  const Run words = run(options);
  CHECK(sum.report.gradient_norm == doctest::Approx(16 * mean.report.gradient_norm).epsilon(1e-5));
  CHECK(sum.report.gradient_norm ==
        doctest::Approx(static_cast<double>(sum.report.words) * words.report.gradient_norm).epsilon(1e-5));
  CHECK(sum.report.cost == doctest::Approx(words.report.cost));  // the report is always the sum
  CHECK(sum.change() == doctest::Approx(0.1 * sum.report.gradient_norm).epsilon(1e-3));
  CHECK(mean.change() == doctest::Approx(0.1 * mean.report.gradient_norm).epsilon(1e-3));
}

TEST_CASE("a step along the gradient lowers the cost by the square of its norm") {
  TrainOptions options = plain_options();
  options.learn_rate = 1e-5;
  const double first = run(options, 1, 1).report.cost, second = run(options, 1, 2).report.cost;
  const double norm = run(options).report.gradient_norm;
  CHECK(first - second == doctest::Approx(1e-5 * norm * norm).epsilon(0.1).scale(0));
}

TEST_CASE("a clipped step has the norm of the limit times the rate") {
  TrainOptions options = plain_options();
  options.clip_norm = 0.5;
  const Run r = run(options);
  REQUIRE(r.report.gradient_norm > 1);  // reported before clipping
  CHECK(r.change() == doctest::Approx(0.05).epsilon(1e-3).scale(0));
  options.clip_norm = 1e5;
  CHECK(run(options).after == run(plain_options()).after);
}

TEST_CASE("any number of threads gives the same update to rounding, the same number the same bits") {
  const Run one = run(plain_options()), two = run(plain_options(), 2), again = run(plain_options(), 2),
            three = run(plain_options(), 3);
  CHECK(two.after == again.after);
  CHECK(largest_difference(one.after, two.after) < 1e-4);
  CHECK(largest_difference(one.after, three.after) < 1e-4);
  CHECK(one.report.cost == doctest::Approx(two.report.cost));
}

TEST_CASE("dropout is another draw at each update and part, and the same again with the same seed") {
  for (const char* const field : {"dropout-emb", "dropout-annotations", "dropout-readout"}) {
    TrainOptions options = plain_options();
    options.learn_rate = 1e-12;
    const double without = run(options).report.cost;
    options.config.set(field, 0.5);
    const double first = run(options, 1, 1).report.cost, second = run(options, 1, 2).report.cost;
    CHECK(first != doctest::Approx(without).epsilon(1e-3));
    CHECK(first != doctest::Approx(second).epsilon(1e-3));
    CHECK(first == run(options).report.cost);
    CHECK(first != doctest::Approx(run(options, 2).report.cost).epsilon(1e-6));
    options.seed = 2;
    CHECK(first != doctest::Approx(run(options).report.cost).epsilon(1e-3));
  }
}

// The part {0, 1, 2, 3} costs the same as alone; its copy in the other part must cost something else.
TEST_CASE("parts with the same pairs have masks of their own, wherever dropout acts") {
  const auto cost = [](const TrainOptions& options, const std::vector<std::uint32_t>& pairs, int threads) {
    const auto model = random_model(options.config);
    return make_updater(*model, options, threads)->update(minibatch_of(kCorpus, pairs)).cost;
  };
  const TrainOptions plain = plain_options();
  CHECK(cost(plain, {0, 1, 2, 3, 0, 1, 2, 3}, 2) ==
        doctest::Approx(2 * cost(plain, {0, 1, 2, 3}, 1)).epsilon(1e-6));
  for (const char* const field : {"dropout-emb", "dropout-annotations", "dropout-readout"}) {
    TrainOptions options = plain;
    options.config.set(field, 0.3);
    CHECK(cost(options, {0, 1, 2, 3, 0, 1, 2, 3}, 2) !=
          doctest::Approx(2 * cost(options, {0, 1, 2, 3}, 1)).epsilon(1e-4));
  }
}

TEST_CASE("word dropout is another draw at each update and part, and the same again with the same seed") {
  TrainOptions options = plain_options();
  const Run without = run(options);
  options.word_dropout = 0.3;
  options.learn_rate = 0;
  const Run first = run(options), second = run(options, 1, 2), parts = run(options, 2), again = run(options);
  CHECK(first.report.cost == again.report.cost);
  CHECK(std::abs(first.report.cost - without.report.cost) > 1e-3);
  CHECK(std::abs(first.report.cost - second.report.cost) > 1e-3);
  CHECK(std::abs(first.report.cost - parts.report.cost) > 1e-3);
}

TEST_CASE("label smoothing changes the cost") {
  TrainOptions options = plain_options();
  const double plain = run(options).report.cost;
  options.label_smoothing = 0.2;
  CHECK(run(options).report.cost != doctest::Approx(plain).epsilon(1e-3));
}

TEST_CASE("the average moves to the newest parameters by its weight, at first by more") {
  TrainOptions options = plain_options();
  options.clip_norm = 1;
  CHECK(run(options).average == run(options).after);  // without averaging
  options.exponential_smoothing = 0.5;
  const Run first = run(options);
  // The first average is nearly the first values: the initial ones are forgotten at once.
  CHECK(largest_difference(first.average, first.after) < 0.2 * largest_difference(first.before, first.after));
  const Run before = run(options, 1, 30), after = run(options, 1, 31);
  std::vector<real> expected;
  for (std::size_t i = 0; i < before.average.size(); ++i)
    expected.push_back((before.average[i] + after.after[i]) / 2);
  CHECK(largest_difference(after.average, expected) < 1e-6);
  CHECK(after.after == run(
                           [&] {
                             auto o = options;
                             o.exponential_smoothing = 0;
                             return o;
                           }(),
                           1, 31)
                           .after);
}

TEST_CASE("warming up scales the first updates, decay later ones, and Adam has the recipe's constants") {
  TrainOptions options = plain_options();
  const double whole = run(options).change();
  options.lr_warmup = 4;
  CHECK(run(options).change() == doctest::Approx(whole / 4).epsilon(1e-3));
  options = plain_options();
  options.lr_decay_inv_sqrt = 1;
  CHECK(run(options).change() == doctest::Approx(whole).epsilon(1e-3));
  const double two_updates = run(plain_options(), 1, 2).change();
  CHECK(run(options, 1, 2).change() < 0.95 * two_updates);
  options = plain_options();
  options.optimizer = "adam";
  const Run first = run(options, 1, 3);
  options.adam_beta2 = 0.9;
  CHECK(largest_difference(run(options, 1, 3).after, first.after) > 1e-4);
  options.adam_epsilon = 1e3;  // far above any gradient
  CHECK(run(options).change() < 1e-2 * first.change());
}

TEST_CASE("an update whose gradient is not finite leaves everything as it was") {
  TrainOptions options = plain_options();
  options.optimizer = "adam";
  options.exponential_smoothing = 0.5;
  const auto model = random_model(small_config());
  const auto updater = make_updater(*model, options, 1);
  const std::vector<std::uint32_t> pairs = {0, 1, 2, 3};
  CHECK(updater->update(minibatch_of(kCorpus, pairs)).applied);
  real& bias = model->parameters().values().data()[0];
  const real saved = bias;
  bias = std::numeric_limits<real>::quiet_NaN();
  const auto average = copy_of(updater->values());
  CHECK_FALSE(updater->update(minibatch_of(kCorpus, pairs)).applied);
  CHECK(copy_of(updater->values()) == average);
  bias = saved;
  CHECK(updater->update(minibatch_of(kCorpus, pairs)).applied);
  CHECK(updater->updates() == 3);
}

}  // namespace
}  // namespace mininmt
