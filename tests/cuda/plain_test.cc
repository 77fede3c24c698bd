// The plain RNNsearch on the GPU: costs and gradients are the CPU's, in captured graphs too.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cuda/device.h"
#include "nn/training/update.h"
#include "ops/reduce.h"
#include "tests/cuda/emulated.h"
#include "tests/models/twins.h"
#include "tests/ops/op_table.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {
namespace {

constexpr double kTolerance = sizeof(real) == 4 ? 3e-5 : 1e-12;  // of the largest number of an array

Tensor gradients_of(const Model& model, const Batch& batch, const Training& training, Tensor& costs) {
  const Tensor gradients = model.parameters().new_gradients();
  Tape tape(gradients);
  const Var values = model.costs(tape, batch, training);
  costs = values.value().to(cpu_memory()).clone();
  tape.backward(sum(values));
  return gradients.to(cpu_memory());
}

TEST_CASE("plain: costs and gradients are the CPU's, in every order and with more padding") {
  const Sentences sources = random_sentences({3, 9, 1, 5, 2}, 9),
                  targets = random_sentences({6, 1, 4, 3, 2}, 11, 2);
  const Training training{0.1, {.on = true, .seed = 3, .update = 5}};
  for (const std::string& order : kOrders)
    for (const BatchShape& room : {BatchShape{}, {12, 8, 24}}) {
      INFO(order);
      const Twins cpu(with_dropout(small_config(order))), gpu(with_dropout(small_config(order)));
      gpu.plain->parameters().move_to(cuda::memory());
      Tensor expected_costs, costs;
      const Batch batch = make_batch(spans(sources), spans(targets), room);
      const Tensor expected = gradients_of(*cpu.plain, batch, training, expected_costs);
      const Tensor gradients = gradients_of(*gpu.plain, batch, training, costs);
      CHECK(largest_difference(costs, expected_costs) <= kTolerance * largest(expected_costs));
      for (const Parameter* p : cpu.plain->parameters().all()) {
        const Tensor x = Parameters::view(gradients, *p), y = Parameters::view(expected, *p);
        CHECK_MESSAGE(largest_difference(x, y) <= kTolerance * largest(y), p->name);
        CHECK_MESSAGE(largest(y) > 0, p->name);
      }
    }
}

// Four minibatches of one shape, in which other sentences are the long ones: the second update captures a
// graph, which the third runs with other lengths.
TEST_CASE("plain: updates by a captured graph follow the CPU's") {
  SentencePairs corpus;
  std::vector<int> lengths = {7, 1, 2, 4};
  for (std::uint64_t i = 0; i < 4; ++i) {
    std::rotate(lengths.begin(), lengths.begin() + 1, lengths.end());
    const Sentences sources = random_sentences(lengths, 9, 10 + i),
                    targets = random_sentences(lengths, 11, 20 + i);
    for (std::size_t k = 0; k < 4; ++k) corpus.add(sources[k], targets[3 - k]);
  }
  const Recipe recipe = plain_recipe();
  const Twins cpu(small_config(), 0.3), gpu(small_config(), 0.3);
  gpu.plain->parameters().move_to(cuda::memory());
  const auto follows = make_updater(*gpu.plain, recipe, 1), leads = make_updater(*cpu.plain, recipe, 1);
#ifdef MININMT_EMULATED
  emulation::reset_counts();
#endif
  for (std::uint32_t i = 0; i < 12; ++i) {
    const std::uint32_t first = 4 * (i % 4);
    const Minibatch minibatch = corpus.pick({first, first + 1, first + 2, first + 3});
    const UpdateReport a = leads->update(minibatch), b = follows->update(minibatch);
    INFO("update ", i);
    CHECK(b.cost == doctest::Approx(a.cost).epsilon(sizeof(real) == 4 ? 1e-3 : 1e-9).scale(0));
  }
  const Tensor moved = gpu.plain->parameters().values().to(cpu_memory());
#ifdef MININMT_EMULATED
  CHECK(emulation::counts().graph_launches == 11);
#endif
  CHECK(largest_difference(moved, cpu.plain->parameters().values()) <= (sizeof(real) == 4 ? 1e-3 : 1e-9));
}

#ifdef MININMT_EMULATED

// Work is executed when the host waits for it; so if none has been, the host has waited for none.
TEST_CASE("plain: forward and backward do not wait for the GPU") {
  const Twins twins(small_config());
  twins.plain->parameters().move_to(cuda::memory());
  const Batch batch = batch_of(random_sentences({3, 5}, 9), random_sentences({4, 2}, 11));
  const Tensor gradients = twins.plain->parameters().new_gradients();
  cuda::synchronize();
  emulation::reset_counts();
  Tape tape(gradients);
  tape.backward(sum(twins.plain->costs(tape, batch, {})));
  CHECK(emulation::counts().kernels == 0);
  CHECK(emulation::counts().gemms == 0);
  cuda::synchronize();
  CHECK(emulation::counts().kernels > 100);
}

#endif

}  // namespace
}  // namespace mininmt
