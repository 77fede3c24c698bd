// Updates on the GPU follow the CPU's, are the same again, and go on from a saved state.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "tests/cuda/emulated.h"
#include "tests/cuda/trainee.h"

namespace mininmt {
namespace {

void check_following(const Recipe& options, int updates) {
  INFO(options.optimizer, ", ", options.cost_type, ", ", updates, " updates");
  Trainee cpu(options, cpu_memory()), gpu(options, cuda::memory());
  const std::vector<real> before = cpu.values();
  double worst = 0, first_cost = 0, last_cost = 0;
  for (int i = 0; i < updates; ++i) {
    const UpdateReport a = cpu.update(minibatch(i)), b = gpu.update(minibatch(i));
    worst = std::max({worst, std::abs(b.cost / a.cost - 1), std::abs(b.gradient_norm / a.gradient_norm - 1)});
    CHECK(b.applied);
    CHECK(b.words == a.words);
    CHECK(b.sentences == a.sentences);
    CHECK(b.update == i + 1);
    if (i < 10) first_cost += a.cost / static_cast<double>(a.words);
    if (i >= updates - 10) last_cost += a.cost / static_cast<double>(a.words);
  }
  CHECK(worst <= kTolerance);
  if (updates >= 40) CHECK(last_cost < 0.98 * first_cost);
  const double moved = largest_difference(cpu.values(), before);
  CHECK(largest_difference(gpu.values(), cpu.values()) <= 10 * kTolerance * moved);
  CHECK(largest_difference(gpu.average(), cpu.average()) <= 10 * kTolerance * moved);
  CHECK(same_bits(gpu.average(), gpu.values()) == (options.exponential_smoothing == 0));
}

// The emulation is slow, and its double is there for the rules, to a finer tolerance.
constexpr int kUpdates = !kEmulated ? 100 : sizeof(real) == 4 ? 12 : 6;

TEST_CASE("a hundred updates follow the CPU's") {
  for (const std::string optimizer : {"adam", "adadelta", "sgd"}) {
    const bool sees_learning = kEmulated && sizeof(real) == 4 && optimizer == "adadelta";
    check_following(training_options(optimizer), sees_learning ? 40 : kUpdates);
  }
}

TEST_CASE("updates without clipping and averaging follow the CPU's, with costs over words and sums") {
  for (const std::string cost_type : {"ce-mean-words", "ce-sum"}) {
    Recipe options = training_options("adam");
    options.cost_type = cost_type;
    options.clip_norm = options.exponential_smoothing = 0;
    check_following(options, kUpdates);
  }
}

TEST_CASE(
    "updates of several minibatches follow the CPU's, captured or not, each minibatch with masks of its "
    "own") {
  Recipe options = training_options("adam");
  options.word_dropout = 0.1;
  const Config config = with_dropout(small_config());
  Trainee cpu(options, cpu_memory(), kCorpus, config), gpu(options, cuda::memory(), kCorpus, config);
  for (int i = 0; i < (kEmulated ? 6 : 20); ++i) {
    std::vector<Pairs> pairs = {minibatch(0), minibatch(i % 3), minibatch(1)};
    if (i == 4) pairs.resize(1);  // a whole update of shapes that are captured as parts of others
    const UpdateReport expected = cpu.update(pairs), report = gpu.update(pairs);
    CHECK(report.sentences == expected.sentences);
    CHECK(report.cost == doctest::Approx(expected.cost).epsilon(kTolerance));
    CHECK(report.gradient_norm == doctest::Approx(expected.gradient_norm).epsilon(10 * kTolerance));
  }
}

TEST_CASE("the same bits again") {
  for (const std::string optimizer : {"adam", "adadelta", "sgd"}) {
    std::vector<real> values[2], averages[2];
    for (int run : {0, 1}) {
      Trainee gpu(training_options(optimizer), cuda::memory());
      for (int i = 0; i < (kEmulated ? 5 : 30); ++i) gpu.start(minibatch(i % 3));
      values[run] = gpu.values();
      averages[run] = gpu.average();
    }
    CHECK(same_bits(values[0], values[1]));
    CHECK(same_bits(averages[0], averages[1]));
  }
}

TEST_CASE("every update has its own dropout, that of the CPU, captured or not") {
  const Config config = with_dropout(small_config());
  Trainee cpu(plain_recipe(), cpu_memory(), kCorpus, config),
      gpu(plain_recipe(), cuda::memory(), kCorpus, config);
  for (Trainee* trainee : {&cpu, &gpu}) trainee->updater().set_learn_rate(0);  // only the masks differ
  double before = 0;
  for (int i = 0; i < 5; ++i) {
    const double expected = cpu.update(minibatch(0)).cost, cost = gpu.update(minibatch(0)).cost;
    CHECK(cost == doctest::Approx(expected).epsilon(kTolerance));
    CHECK(std::abs(cost - before) > 1e-3);
    before = cost;
  }
}

// Keeps the state it is shown, or gives back what it kept.
class StateCopy final : public StateVisitor {
 public:
  void visit(const std::string& name, std::int64_t& number) override { visit_in(integers_, name, number); }
  void visit(const std::string& name, double& number) override { visit_in(numbers_, name, number); }
  void visit(const std::string& name, const Tensor& block) override {
    if (giving_back)
      block.set(blocks_.at(name));
    else
      blocks_[name] = block.clone().to(cpu_memory());
  }

  bool giving_back = false;

 private:
  template <class Map, class Number>
  void visit_in(Map& map, const std::string& name, Number& number) {
    giving_back ? void(number = map.at(name)) : void(map[name] = number);
  }

  std::map<std::string, std::int64_t> integers_;
  std::map<std::string, double> numbers_;
  std::map<std::string, Tensor> blocks_;
};

TEST_CASE("an updater that is given another's state goes on to the same bits") {
  for (const std::string optimizer : {"adam", "adadelta", "sgd"}) {
    Trainee one(training_options(optimizer), cuda::memory()),
        other(training_options(optimizer), cuda::memory());
    for (int i = 0; i < 4; ++i) one.start(minibatch(i % 2));
    one.updater().set_learn_rate(0.003);
    one.updater().reports(true);
    StateCopy state;
    one.updater().visit(state);
    state.giving_back = true;
    other.updater().visit(state);
    CHECK(other.updater().updates() == 4);
    for (int i = 4; i < 8; ++i)
      for (Trainee* trainee : {&one, &other}) trainee->start(minibatch(i % 2));
    CHECK(same_bits(one.values(), other.values()));
    CHECK(same_bits(one.average(), other.average()));
  }
}

TEST_CASE("a gradient that is not finite is passed over, and Adam goes on as on the CPU") {
  const Recipe options = training_options("adam");
  Trainee cpu(options, cpu_memory()), gpu(options, cuda::memory());
  for (int i = 0; i < 12; ++i) {
    const bool broken = i == 1 || i == 4 || i == 5;  // the same minibatch, uncaptured and captured
    const real saved = cpu.get(0);
    if (broken) {
      const real bad =
          i == 4 ? std::numeric_limits<real>::infinity() : std::numeric_limits<real>::quiet_NaN();
      cpu.set(0, bad);
      gpu.set(0, bad);
    }
    const std::vector<real> average = gpu.average(), values = gpu.values();
    const UpdateReport a = cpu.update(minibatch(0)), b = gpu.update(minibatch(0));
    CHECK(a.applied == !broken);
    CHECK(b.applied == !broken);
    if (broken) {
      CHECK(same_bits(gpu.average(), average));
      CHECK(same_bits(gpu.values(), values));
      cpu.set(0, saved);
      gpu.set(0, saved);
    } else {
      CHECK(b.cost == doctest::Approx(a.cost).epsilon(kTolerance));
    }
  }
  CHECK(largest_difference(gpu.values(), cpu.values()) < 1e-4);
  CHECK(gpu.updater().updates() == 12);
}

TEST_CASE("many updates may be under way; their reports come in order") {
  const Recipe options = training_options("adam");
  Trainee one_by_one(options, cuda::memory()), together(options, cuda::memory());
  std::vector<UpdateReport> reports;
  for (int i = 0; i < 11; ++i) together.start(minibatch(i % 2));
  for (const UpdateReport& r : together.updater().reports(false)) reports.push_back(r);
  for (int i = 11; i < 13; ++i) together.start(minibatch(i % 2));
  for (const UpdateReport& r : together.updater().reports(true)) reports.push_back(r);
  CHECK(together.updater().reports(true).empty());
  REQUIRE(reports.size() == 13);
  for (int i = 0; i < 13; ++i) {
    const UpdateReport expected = one_by_one.update(minibatch(i % 2));
    CHECK(reports[static_cast<std::size_t>(i)].update == i + 1);
    CHECK(reports[static_cast<std::size_t>(i)].cost == expected.cost);
    CHECK(reports[static_cast<std::size_t>(i)].gradient_norm == expected.gradient_norm);
    CHECK(reports[static_cast<std::size_t>(i)].words == expected.words);
  }
  CHECK(same_bits(together.values(), one_by_one.values()));
}

TEST_CASE("an updater that is gone gives back what it took") {
  const std::size_t before = cuda::memory().in_use();
  {
    Trainee gpu(training_options("adam"), cuda::memory());
    for (int i = 0; i < 10; ++i) gpu.start(minibatch(i % 2));
    CHECK(cuda::memory().in_use() > before);
  }
  CHECK(cuda::memory().in_use() == before);
}

}  // namespace
}  // namespace mininmt
