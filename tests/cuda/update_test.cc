// Updates on the GPU, operation by operation and as captured graphs: they follow the CPU's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>

#include "cuda/device.h"
#include "nn/training/update.h"
#include "tests/cuda/emulated.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {
namespace {

using Pairs = std::vector<std::uint32_t>;

const SentencePairs kCorpus = random_pairs(64);

// A model and its updates, on the CPU with one thread or on the GPU.
class Trainee {
 public:
  Trainee(const Recipe& options, Memory& memory, const SentencePairs& corpus = kCorpus,
          const Config& config = small_config())
      : options_(options), corpus_(corpus), model_(random_model(config, 1, 0.3)) {
    model_->parameters().move_to(memory);
    updater_ = make_updater(*model_, options_, 1);
  }
  Updater& updater() { return *updater_; }
  UpdateReport update(const Pairs& pairs) { return updater_->update(corpus_.pick(pairs)); }
  void start(const Pairs& pairs) { updater_->start(corpus_.pick(pairs)); }
  const Tensor& parameters() const { return model_->parameters().values(); }
  std::vector<real> values() const { return copy_of(parameters().to(cpu_memory())); }
  std::vector<real> average() const { return copy_of(updater_->values().to(cpu_memory())); }
  // Element i of the parameters.
  void set(std::int64_t i, real x) { parameters().view(i, {}).fill(x); }
  real get(std::int64_t i) const { return parameters().view(i, {}).item(); }

 private:
  Recipe options_;
  const SentencePairs& corpus_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Updater> updater_;
};

Recipe training_options(const std::string& optimizer) {
  Recipe options = plain_recipe();
  options.optimizer = optimizer;
  options.learn_rate = optimizer == "adam" ? 0.002 : optimizer == "adadelta" ? 1 : 0.1;
  options.clip_norm = 1;
  options.cost_type = "ce-mean";
  options.label_smoothing = 0.1;
  options.exponential_smoothing = 0.01;
  return options;
}

// Minibatch i: several shapes, some of which come again with other sentences.
Pairs minibatch(int i) {
  Pairs pairs;
  const std::uint32_t count = 4 + static_cast<std::uint32_t>(i % 3);
  for (std::uint32_t k = 0; k < count; ++k)
    pairs.push_back((static_cast<std::uint32_t>(i) * 7 + k * 3) % static_cast<std::uint32_t>(kCorpus.size()));
  return pairs;
}

double largest_difference(const std::vector<real>& a, const std::vector<real>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

bool same_bits(const std::vector<real>& a, const std::vector<real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0;
}

// Rounding errors grow from update to update.
constexpr double kTolerance = sizeof(real) == 4 ? 1e-3 : 1e-8;

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

TEST_CASE("a hundred updates follow the CPU's") {
  for (const std::string optimizer : {"adam", "adadelta", "sgd"})
    check_following(training_options(optimizer), !kEmulated ? 100 : optimizer == "adadelta" ? 40 : 15);
}

TEST_CASE("updates without clipping and averaging follow the CPU's, with costs over words and sums") {
  for (const std::string cost_type : {"ce-mean-words", "ce-sum"}) {
    Recipe options = training_options("adam");
    options.cost_type = cost_type;
    options.clip_norm = options.exponential_smoothing = 0;
    check_following(options, kEmulated ? 12 : 100);
  }
}

TEST_CASE("the same bits again") {
  for (const std::string optimizer : {"adam", "adadelta", "sgd"}) {
    std::vector<real> values[2], averages[2];
    for (int run : {0, 1}) {
      Trainee gpu(training_options(optimizer), cuda::memory());
      for (int i = 0; i < (kEmulated ? 7 : 30); ++i) gpu.start(minibatch(i % 3));
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

// Two passes at learning rate 0 leave plain gradient descent unchanged, and capture every shape.
TEST_CASE("captured updates give the bits of those that are not; the learning rate may change in between") {
  Recipe options = plain_recipe();
  options.label_smoothing = 0.1;
  Trainee fresh(options, cuda::memory()), captured(options, cuda::memory());
  const std::vector<real> before = fresh.values();
  captured.updater().set_learn_rate(0);
  for (int pass = 0; pass < 3; ++pass)
    for (int i = 0; i < 5; ++i) captured.update(minibatch(i));
  CHECK(same_bits(captured.values(), before));
  captured.updater().set_learn_rate(0.1);
  for (int i = 0; i < 5; ++i) {
    Trainee one(options, cuda::memory());  // the first update of a shape is not captured
    one.parameters().set(fresh.parameters());
    const UpdateReport a = one.update(minibatch(i)), b = captured.update(minibatch(i));
    fresh.parameters().set(one.parameters());
    CHECK(a.cost == b.cost);
    CHECK(a.gradient_norm == b.gradient_norm);
    CHECK(same_bits(one.values(), captured.values()));
  }
  CHECK(largest_difference(captured.values(), before) > 1e-3);
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

// Pairs 0 and 1 have different words; pairs 2 and 3, of the same lengths, repeat a single word.
TEST_CASE(
    "small updates: words that differ are captured, then the same shape comes with one word many times") {
  SentencePairs corpus;
  corpus.add(Sentence{2, 3, 4, kEos}, Sentence{2, 3, 4, 5, kEos});
  corpus.add(Sentence{5, 6, 7, kEos}, Sentence{6, 7, 8, 9, kEos});
  corpus.add(Sentence{4, 4, 4, kEos}, Sentence{7, 7, 7, 7, kEos});
  corpus.add(Sentence{4, 4, 4, kEos}, Sentence{7, 7, 7, 7, kEos});
  const Recipe options = plain_recipe();
  Trainee cpu(options, cpu_memory(), corpus), gpu(options, cuda::memory(), corpus);
  for (const Pairs& pairs : {Pairs{0, 1}, {0, 1}, {2, 3}, {1, 0}, {3, 2}}) {
    cpu.update(pairs);
    gpu.update(pairs);
    CHECK(largest_difference(gpu.values(), cpu.values()) < 1e-5);
  }
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

#ifdef MININMT_EMULATED

// The emulation executes work when the host waits; so if nothing was executed, the host did not wait.
TEST_CASE("starting an update does not wait for the GPU, operation by operation or captured") {
  Trainee gpu(training_options("adam"), cuda::memory());
  for (int pass = 0; pass < 3; ++pass) {
    gpu.updater().reports(true);
    cuda::synchronize();
    emulation::reset_counts();
    for (int i = 0; i < 3; ++i) gpu.start(minibatch(i));
    CHECK(emulation::counts().kernels == 0);
    CHECK(emulation::counts().graph_launches == 0);
    gpu.updater().reports(true);
    CHECK(emulation::counts().graph_launches == (pass == 0 ? 0 : 3));
    CHECK(emulation::counts().kernels > 300);
  }
}

// Pair 0 has 3 and 6 words, pair 1 has 4 and 5: the same even number of steps. Eight of them have 48 target
// positions, 1/32 of which is rounded up to two words.
TEST_CASE("minibatches of nearly the same lengths share a graph") {
  SentencePairs corpus;
  corpus.add(Sentence{2, 3, kEos}, Sentence{2, 3, 4, 5, 6, kEos});
  corpus.add(Sentence{5, 6, 7, kEos}, Sentence{6, 7, 8, 9, kEos});
  Trainee gpu(plain_recipe(), cuda::memory(), corpus), cpu(plain_recipe(), cpu_memory(), corpus);
  const auto launches = [&](const Pairs& pairs) {
    cuda::synchronize();
    emulation::reset_counts();
    const UpdateReport a = cpu.update(pairs), b = gpu.update(pairs);
    CHECK(b.cost == doctest::Approx(a.cost).epsilon(1e-5));
    CHECK(b.words == a.words);
    return emulation::counts().graph_launches;
  };
  CHECK(launches({0, 0, 0, 0, 1, 1, 1, 1}) == 0);  // 44 words
  CHECK(launches({0, 1, 0, 1, 0, 1, 0, 1}) == 1);
  CHECK(launches({1, 1, 1, 0, 0, 0, 0, 0}) == 0);  // 45
  CHECK(launches({0, 0, 0, 0, 0, 0, 1, 1}) == 1);  // 46
  CHECK(launches({0, 0, 0, 0, 1, 1, 1}) == 0);     // seven sentences
}

// The Trainee's updates are captured at the second minibatch of a shape; keeps warnings.
struct Warned {
  explicit Warned(Trainee& trainee) {
    trainee.updater().on_warning([this](const std::string& text) { warnings.push_back(text); });
  }
  std::vector<std::string> warnings;
};

// How many of the next updates, one per minibatch, ran as a graph.
std::int64_t graphs_run(Trainee& trainee, const std::vector<int>& minibatches) {
  trainee.updater().reports(true);
  emulation::reset_counts();
  for (const int i : minibatches) trainee.update(minibatch(i));
  return emulation::counts().graph_launches;
}

struct EmulationAsBefore {
  ~EmulationAsBefore() {
    emulation::set_call_error("cudaGraphInstantiate", cudaSuccess);
    emulation::set_graph_bytes(0);
    emulation::set_memory_limit(std::size_t{2} << 30);
  }
};

TEST_CASE_FIXTURE(EmulationAsBefore, "a capture that fails is said, and tried three times at most") {
  const Recipe options = plain_recipe();
  Trainee gpu(options, cuda::memory()), cpu(options, cpu_memory());
  const Warned warned(gpu);
  emulation::set_call_error("cudaGraphInstantiate", cudaErrorNotSupported);
  for (int i = 0; i < 8; ++i) {
    gpu.update(minibatch(0));
    cpu.update(minibatch(0));
  }
  REQUIRE(warned.warnings.size() == 3);
  CHECK(warned.warnings[0] ==
        "update 2 could not be captured as a graph and is computed operation by operation: "
        "[cudaGraphInstantiate] CUDA: operation not supported (cudaErrorNotSupported)");
  CHECK(warned.warnings[2].starts_with("update 4 could not be captured"));
  CHECK(warned.warnings[2].ends_with("; no other will be captured from now on, which is slower"));
  CHECK(largest_difference(gpu.values(), cpu.values()) < 1e-4);
  emulation::set_call_error("cudaGraphInstantiate", cudaSuccess);
  CHECK(graphs_run(gpu, {0, 0}) == 0);
}

// Including the pool's blocks more than 1 GiB is available, which capture requires.
TEST_CASE_FIXTURE(EmulationAsBefore,
                  "memory that the pool holds free does not keep updates from being captured") {
  Trainee gpu(plain_recipe(), cuda::memory());
  const Warned warned(gpu);
  gpu.update(minibatch(0));
  constexpr std::int64_t kHeld = 64 << 20;
  { const Tensor held({kHeld / static_cast<std::int64_t>(sizeof(real))}, cuda::memory()); }
  cuda::synchronize();
  emulation::set_memory_limit(emulation::allocated_bytes() + (std::size_t{1} << 30) - (16 << 20));
  CHECK(graphs_run(gpu, {0, 0}) == 2);
  CHECK(warned.warnings.empty());
}

TEST_CASE_FIXTURE(EmulationAsBefore, "the first update of a shape and its graph share their memory") {
  Trainee gpu(plain_recipe(), cuda::memory());
  gpu.update(minibatch(0));
  const std::size_t reserved = cuda::memory().reserved();
  CHECK(graphs_run(gpu, {0}) == 1);
  CHECK(cuda::memory().reserved() <= reserved + (16 << 10));  // the words
}

TEST_CASE_FIXTURE(EmulationAsBefore, "where memory runs out, the graphs used least recently make room") {
  cuda::memory().trim();
  const Recipe options = plain_recipe();
  constexpr std::size_t kGraph = 100 << 20;
  emulation::set_graph_bytes(kGraph);
  Trainee gpu(options, cuda::memory()), cpu(options, cpu_memory());
  const Warned warned(gpu);
  const auto update = [&](const std::vector<int>& minibatches) {
    const std::int64_t graphs = graphs_run(gpu, minibatches);
    for (const int i : minibatches) cpu.update(minibatch(i));
    return graphs;
  };
  CHECK(update({0, 1, 2, 0, 1, 2, 0}) == 4);  // least recently used: 1, then 2, then 0
  CHECK(warned.warnings.empty());
  // For a tensor that needs the memory of two graphs.
  emulation::set_memory_limit(emulation::allocated_bytes() + kGraph / 2);
  const std::int64_t count = 2 * kGraph / sizeof(real);
  { const Tensor large({count}, cuda::memory()); }
  REQUIRE(warned.warnings.size() == 1);
  CHECK(warned.warnings[0] ==
        "the GPU's memory is used up: the captured graphs that were used least recently are given up");
  emulation::set_memory_limit(std::size_t{2} << 30);
  CHECK(update({0, 1, 2}) == 1);
  CHECK(update({0, 1, 2}) == 3);  // captured again
  CHECK(warned.warnings.size() == 1);
  CHECK(largest_difference(gpu.values(), cpu.values()) < 1e-4);
}

TEST_CASE_FIXTURE(EmulationAsBefore,
                  "a new graph takes the place of old ones where there is no room for more") {
  constexpr std::size_t kGraph = 100 << 20;
  emulation::set_graph_bytes(kGraph);
  Trainee gpu(plain_recipe(), cuda::memory());
  const Warned warned(gpu);
  graphs_run(gpu, {0, 1, 2});
  cuda::memory().trim();
  emulation::set_memory_limit(emulation::allocated_bytes() + (std::size_t{1} << 30) + kGraph + kGraph / 2);
  CHECK(graphs_run(gpu, {0, 1, 2}) == 3);
  CHECK(warned.warnings.size() == 1);  // the graph of 0 is dropped for 2
  CHECK(graphs_run(gpu, {2, 1, 0}) == 2);
}

#endif

}  // namespace
}  // namespace mininmt
