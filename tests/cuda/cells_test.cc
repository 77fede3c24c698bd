// What search computes of cells, and of rows of sentences, on the GPU as on the CPU.
#include <cmath>
#include <utility>
#include <vector>

#include "cuda/device.h"
#include "ops/additive_joint.h"
#include "ops/deep_joint.h"
#include "ops/matmul.h"
#include "tensor/random.h"
#include "tests/cuda/compare.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

Tensor random(const Shape& shape, std::uint64_t stream, double factor = 1) {
  const Random numbers{3, stream};
  const Tensor x(shape);
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<real>(factor * numbers.normal(static_cast<std::uint64_t>(i)));
  return x;
}

// e^w, for log probabilities: -infinity is a probability of 0.
Tensor probabilities(const Tensor& w) {
  const Tensor p = w.to(cpu_memory()).clone();
  for (real& x : p.values()) x = std::exp(x);
  return p;
}

constexpr std::int64_t S = 4, B = 3, V = 37, l = 6, R = 5;
const std::vector<std::int32_t> kSentences = {0, 0, 2, 2, 2},
                                kWords = {3, 0, 7, 36, 1};  // the second has ended

struct InSearch {
  Mixed additive, deep;
  Tensor additive_w, deep_w;
};

// In one memory. Scaled up, f and g are certain of different words.
InSearch search(Memory& memory, double factor, bool weighted, bool late_end) {
  Tape tape;
  const auto on = [&](const Tensor& x) { return tape.constant(x.to(memory)); };
  const Cells cells = Cells::of_search(Indices(kSentences), {4, 2, 3}, late_end);
  const AdditiveJoint additive{on(random({R, V}, 1, factor)), on(random({S, B, V}, 2, factor))};
  const DeepJoint deep{on(random({R, 2 * l}, 3)), on(random({S, B, 2 * l}, 4)), on(random({V, l}, 5)),
                       on(random({V}, 6))};
  const Tensor quarter({R, S}), g = random({R, 1}, 7);
  quarter.fill(static_cast<real>(0.25));
  const Tensor weights = weighted ? quarter.to(memory) : Tensor();
  InSearch all;
  all.additive =
      mixed_log_p(additive, position_exponentials(additive.f, {4, 2, 3}, late_end), cells, weights);
  all.deep = mixed_log_p(deep, cells, weights);
  all.additive_w = cell_log_p(on(g), additive.f, cells, kWords, all.additive.log_z);
  all.deep_w = cell_log_p(deep, cells, kWords, all.deep.log_z);
  const Tensor whole = cell_log_p(deep, cells, kWords).value();
  CHECK(largest_difference(probabilities(all.deep_w), probabilities(whole)) <= 1e-5);
  return all;
}

TEST_CASE("mixtures, and words from kept log Z") {
  for (const double factor : {1.0, 60.0})
    for (const bool late_end : {false, true}) {
      CAPTURE(factor);
      const InSearch cpu = search(cpu_memory(), factor, true, late_end),
                     gpu = search(cuda::memory(), factor, true, late_end),
                     bare = search(cuda::memory(), factor, false, late_end);
      const auto check = [&](const Tensor& x, const Tensor& y) {
        CHECK(largest_difference(x, y.to(cpu_memory())) <= 1e-5 * factor);
      };
      check(cpu.additive.log_z, gpu.additive.log_z);
      check(cpu.deep.log_z, gpu.deep.log_z);
      check(probabilities(cpu.additive.log_p), probabilities(gpu.additive.log_p));
      check(probabilities(cpu.deep.log_p), probabilities(gpu.deep.log_p));
      check(probabilities(cpu.additive_w), probabilities(gpu.additive_w));
      check(probabilities(cpu.deep_w), probabilities(gpu.deep_w));
      CHECK(!bare.additive.log_p.defined());
      CHECK(!bare.deep.log_p.defined());
      check(cpu.additive.log_z, bare.additive.log_z);
      check(cpu.deep.log_z, bare.deep.log_z);
    }
}

TEST_CASE("products of rows with their sentences") {
  const Indices rows = {0, 0, 1, 2, 2, 2, 0};
  for (const auto& [steps, n] : {std::pair<std::int64_t, std::int64_t>{3, 5}, {9, 300}, {1, 1}}) {
    const Tensor query = random({7, n}, 1), x = random({steps, B, n}, 2), weights = random({7, steps}, 3);
    Tape tape;
    const auto on_gpu = [&](const Tensor& t) { return tape.constant(t.to(cuda::memory())); };
    const auto check = [](Var cpu, Var gpu) {
      CHECK(largest_difference(cpu.value(), gpu.value().to(cpu_memory())) <= 1e-4);
    };
    check(dot_scores(tape.constant(query), tape.constant(x), rows),
          dot_scores(on_gpu(query), on_gpu(x), Indices(rows.values())));
    check(weighted_sum(tape.constant(weights), tape.constant(x), rows),
          weighted_sum(on_gpu(weights), on_gpu(x), Indices(rows.values())));
  }
}

}  // namespace
}  // namespace mininmt
