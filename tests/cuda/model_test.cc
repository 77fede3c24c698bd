// Every model on the GPU: costs and gradients equal the CPU's, at small sizes and at sizes that kernels
// divide among blocks; the host never waits; a captured graph computes the same as before capture. Tests for
// any device are in models/contract_test.cc.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cuda/device.h"
#include "nn/training/update.h"
#include "ops/reduce.h"
#include "tests/cuda/emulated.h"
#include "tests/models/model_table.h"
#include "tests/ops/op_table.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {
namespace {

constexpr double kTolerance = sizeof(real) == 4 ? 3e-5 : 1e-12;  // relative to an array's maximum

// Sentences of all kinds, including a lone </s> next to long ones.
const Sentences kSources = random_sentences({3, 9, 1, 40, 17, 2}, 9);
const Sentences kTargets = random_sentences({6, 1, 8, 3, 2, 33}, 11, 2);

struct Result {
  Tensor costs, gradients;  // on the host
};

Result compute(const Model& model, const Training& training) {
  const Tensor gradients = model.parameters().new_gradients();
  Tape tape(gradients);
  const Var costs = model.costs(tape, batch_of(kSources, kTargets), training);
  const Tensor on_host = costs.value().to(cpu_memory()).clone();
  tape.backward(sum(costs));
  return {on_host, gradients.to(cpu_memory())};
}

void check_same_as_cpu(const Config& config, double deviation, const Training& training) {
  const auto cpu = random_model(config, 1, deviation), gpu = random_model(config, 1, deviation);
  gpu->parameters().move_to(cuda::memory());
  const Result a = compute(*gpu, training), b = compute(*cpu, training);
  CHECK(largest_difference(a.costs, b.costs) <= kTolerance * largest(b.costs));
  // A bias of one number has a sum as its gradient, in which larger numbers may cancel. So they do in alpha -
  // g, from which the scores of a mixture have theirs.
  const bool mixes = !find_family(config.type).one_softmax(config);
  const double least = largest(b.gradients) / 100;
  for (const Parameter* p : cpu->parameters().all()) {
    const Tensor x = Parameters::view(a.gradients, *p), y = Parameters::view(b.gradients, *p);
    const bool cancels = y.size() == 1 || (mixes && p->name.starts_with("attention."));
    const double scale = cancels ? std::max(largest(y), least) : largest(y);
    CHECK_MESSAGE(largest_difference(x, y) <= kTolerance * scale, p->name);
    CHECK_MESSAGE(largest(y) > 0, p->name);
  }
}

TEST_CASE("costs and gradients are the CPU's") {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    check_same_as_cpu(row.config, 0.7, {});
  }
}

// A number of words that kernels divide among blocks, and odd sizes.
// Double in the emulation has the same kernels at the sizes above, and float at these.
TEST_CASE("with wider layers, label smoothing and dropout too") {
  if (kEmulated && sizeof(real) == 8) return;
  const auto training = [](const Config& config) {
    return Training{smoothing_of(config, 0.1), {.on = true, .seed = 3, .update = 5}};
  };
  for (const std::string& alignment : kAlignments) {
    INFO(alignment);
    const Config wide = rnnsearch_config({9, 1023, 31, 33, 37, 31}, "authors", alignment);
    check_same_as_cpu(with_dropout(wide), 0.15, training(wide));
  }
  const Config small = with_dropout(plain(small_config()));
  check_same_as_cpu(small, 0.7, training(small));  // small operations, small sizes
}

// Minibatches of one shape with sentences of other lengths: a graph must read the lengths again.
TEST_CASE("captured updates give the bits of those that are not") {
  if (kEmulated && sizeof(real) == 8) return;  // what is captured does not depend on the type
  const SentencePairs pairs{random_sentences({4, 2, 3, 4, 3, 4, 1, 2, 4}, 9, 3),
                            random_sentences({2, 4, 3, 1, 3, 2, 4, 3, 4}, 11, 4)};
  const std::vector<std::vector<std::uint32_t>> minibatches = {{0, 1, 2}, {5, 6, 2}, {7, 8, 0}};
  for (const ModelRow& row : model_table()) {
    Recipe recipe = plain_recipe();
    recipe.label_smoothing = smoothing_of(row.config, 0.1);
    const bool is_variant =
        row.config.type == "rnnsearch" && row.config.text("alignment-model") != "additive";
    if (kEmulated && is_variant && row.config.text("decoder-order") != "authors") continue;  // it is slow
    INFO(row.name);
    const auto captured = random_model(row.config, 1, 0.3), fresh = random_model(row.config, 1, 0.3);
    for (Model* model : {captured.get(), fresh.get()}) model->parameters().move_to(cuda::memory());
    const auto updater = make_updater(*captured, recipe, 1);
#ifdef MININMT_EMULATED
    emulation::reset_counts();
#endif
    for (const auto& minibatch : minibatches) {
      const UpdateReport a = updater->update(pairs.pick(minibatch));
      const UpdateReport b = make_updater(*fresh, recipe, 1)->update(pairs.pick(minibatch));
      CHECK(a.cost == b.cost);
      CHECK(same_bits(captured->parameters().values().to(cpu_memory()),
                      fresh->parameters().values().to(cpu_memory())));
    }
#ifdef MININMT_EMULATED
    CHECK(emulation::counts().graph_launches == 2);  // all but the first, and none of the fresh ones
#endif
  }
}

#ifdef MININMT_EMULATED

// The emulation executes work when the host waits; so if nothing was executed, the host did not wait.
TEST_CASE("forward and backward do not wait for the GPU") {
  for (const ModelRow& row : model_table()) {
    INFO(row.name);
    const auto model = model_under_test(row);
    const Batch batch = batch_of(random_sentences({3, 9, 1, 4}, 9), random_sentences({6, 1, 8, 3}, 11, 2));
    const Tensor gradients = model->parameters().new_gradients();
    cuda::synchronize();
    emulation::reset_counts();
    Tape tape(gradients);
    tape.backward(sum(model->costs(tape, batch, {smoothing_of(row.config, 0.1)})));
    CHECK(emulation::counts().kernels == 0);
    CHECK(emulation::counts().gemms == 0);
    cuda::synchronize();
    CHECK(emulation::counts().kernels + emulation::counts().gemms > 100);
  }
}

#endif

}  // namespace
}  // namespace mininmt
