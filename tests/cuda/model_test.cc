// The whole model on the GPU: word losses and gradients are the CPU's; padding changes nothing; the host
// waits for nothing on the way.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "cuda/device.h"
#include "ops/reduce.h"
#include "tests/cuda/emulated.h"
#include "tests/ops/op_table.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

constexpr double kTolerance = sizeof(real) == 4 ? 3e-5 : 1e-12;  // of the largest number of an array

// One sentence of each kind: </s> alone beside long ones.
const std::vector<int> kSourceLengths = {3, 9, 1, 40, 17, 2}, kTargetLengths = {6, 1, 8, 3, 2, 33};
const Sentences kSources = random_sentences(kSourceLengths, 9);
const Sentences kTargets = random_sentences(kTargetLengths, 11, 2);

Batch batch_at_least(const BatchShape& shape) { return make_batch(spans(kSources), spans(kTargets), shape); }

struct Result {
  Tensor losses, gradients;  // on the host
};

Result compute(const Model& model, const Batch& batch, double label_smoothing = 0, const Noise& noise = {}) {
  const Tensor gradients = model.parameters().new_gradients();
  Tape tape(gradients);
  const Var losses = model.costs(tape, batch, {label_smoothing, noise});
  const Tensor host = losses.value().to(cpu_memory());
  tape.backward(sum(losses));
  return {losses.value().on_cuda() ? host : host.clone(), gradients.to(cpu_memory())};
}

void check_same(const Model& model, const Result& a, const Result& b) {
  CHECK(largest_difference(a.losses, b.losses) <= kTolerance * largest(b.losses));
  for (const Parameter* p : model.parameters().all()) {
    const Tensor x = Parameters::view(a.gradients, *p), y = Parameters::view(b.gradients, *p);
    CHECK_MESSAGE(largest_difference(x, y) <= kTolerance * largest(y), p->name);
    CHECK_MESSAGE(largest(y) > 0, p->name);
  }
}

// A number of words that the kernels divide among blocks, sizes that are no multiple of anything.
Config wider_config(const std::string& order, const std::string& alignment) {
  return with_dropout(rnnsearch_config({9, 1023, 31, 33, 37, 31}, order, alignment));
}

struct Pair {
  std::unique_ptr<Model> cpu, gpu;
};

Pair both(const Config& options, double deviation = 0.7) {
  Pair pair{random_model(options, 1, deviation), random_model(options, 1, deviation)};
  pair.gpu->parameters().move_to(cuda::memory());
  return pair;
}

TEST_CASE("word losses and gradients are the CPU's, in every order and with both alignments") {
  const Noise noise{.on = true, .seed = 3, .update = 5};
  for (const std::string& order : kOrders)
    for (const std::string& alignment : kAlignments) {
      INFO(order, ", ", alignment);
      const Batch batch = batch_at_least({});
      const Pair small = both(small_config(order, alignment));
      check_same(*small.cpu, compute(*small.gpu, batch), compute(*small.cpu, batch));
      const Pair wide = both(wider_config(order, alignment), 0.15);
      check_same(*wide.cpu, compute(*wide.gpu, batch, 0.1, noise), compute(*wide.cpu, batch, 0.1, noise));
    }
}

TEST_CASE("a batch in a larger room gives the same, and gets no gradient from the room") {
  for (const std::string& order : kOrders)
    for (const std::string& alignment : kAlignments) {
      INFO(order, ", ", alignment);
      const Pair pair = both(small_config(order, alignment));
      const Result tight = compute(*pair.gpu, batch_at_least({}));
      const std::int64_t words = tight.losses.size();
      Result roomy = compute(*pair.gpu, batch_at_least({47, 40, words + 13}));
      for (std::int64_t i = words; i < roomy.losses.size(); ++i) CHECK(roomy.losses.data()[i] == 0);
      CHECK(roomy.losses.size() == words + 13);
      roomy.losses = roomy.losses.slice(0, words);
      check_same(*pair.cpu, roomy, tight);
    }
}

TEST_CASE("log p of sentences is the CPU's") {
  const Pair pair = both(small_config());
  const auto cpu = log_probabilities(*pair.cpu, batch_at_least({})),
             gpu = log_probabilities(*pair.gpu, batch_at_least({}));
  REQUIRE(cpu.size() == gpu.size());
  for (std::size_t i = 0; i < cpu.size(); ++i)
    CHECK(gpu[i] == doctest::Approx(cpu[i]).epsilon(kTolerance).scale(0));
}

TEST_CASE("the same bits again") {
  const Pair pair = both(wider_config("authors", "additive"), 0.15);
  const Batch batch = batch_at_least({});
  const Result first = compute(*pair.gpu, batch), second = compute(*pair.gpu, batch);
  CHECK(same_bits(first.losses, second.losses));
  CHECK(same_bits(first.gradients, second.gradients));
}

#ifdef MININMT_EMULATED

// Work is executed when the host waits for it; so if none has been, the host has waited for none.
TEST_CASE("forward and backward do not wait for the GPU") {
  for (const std::string& order : kOrders)
    for (const std::string& alignment : kAlignments) {
      const Pair pair = both(small_config(order, alignment));
      const Batch batch = batch_at_least({});
      const Tensor gradients = pair.gpu->parameters().new_gradients();
      cuda::synchronize();
      emulation::reset_counts();
      Tape tape(gradients);
      tape.backward(sum(pair.gpu->costs(tape, batch, {0.1})));
      CHECK(emulation::counts().kernels == 0);
      CHECK(emulation::counts().gemms == 0);
      cuda::synchronize();
      CHECK(emulation::counts().kernels > 100);
    }
}

#endif

}  // namespace
}  // namespace mininmt
