// Updates as captured graphs: the bits of those operation by operation, what is captured, and memory.
#include <doctest/doctest.h>

#include "tests/cuda/emulated.h"
#include "tests/cuda/trainee.h"

namespace mininmt {
namespace {

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
