// Each operation of ops/, forward and backward, on the CPU.
#include <string>
#include <vector>

#include "autograd/tape.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/gru.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/reduce.h"
#include "ops/softmax_xent.h"
#include "tensor/random.h"
#include "tests/bench/ops_bench.h"

namespace mininmt::bench {
namespace {

constexpr std::int64_t S = 14, T = 14, B = 40, n = 256, V = 8000, N = T * B;
constexpr double kFloat = sizeof(real);

using Build = std::function<Var(const std::vector<Var>&)>;

// Times build() and backward of the sum of its result, which take `flops` and move `floats` numbers.
void bench_op(const std::string& name, const std::vector<Shape>& shapes, const Build& build, double flops,
              double floats, const Roofs& roofs) {
  Parameters parameters;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    parameters.add(std::string(1, static_cast<char>('a' + i)), shapes[i]);
  parameters.allocate();
  const Random random{1, 1};
  for (std::int64_t i = 0; i < parameters.size(); ++i)
    parameters.values().data()[i] = static_cast<real>(random.uniform(static_cast<std::uint64_t>(i)) - 0.5);
  const Tensor gradients = parameters.new_gradients();
  const double seconds = seconds_of(cpu_memory(), [&] {
    Tape tape(gradients);
    std::vector<Var> inputs;
    for (const Parameter* p : parameters.all()) inputs.push_back(tape.leaf(*p));
    tape.backward(sum(build(inputs)));
  });
  const double bytes = floats * kFloat;
  print({{"bench", name},
         {"seconds", seconds},
         {"gflops", flops / seconds / 1e9},
         {"gbytes", bytes / seconds / 1e9},
         {"of_roof", floor_seconds(flops, bytes, roofs) / seconds}});
}

void bench_products(const Roofs& roofs) {
  bench_op(
      "linear (logits)", {{N, n}, {V, n}, {V}}, [](auto& x) { return linear(x[0], x[1], x[2]); },
      6.0 * N * n * V, 4.0 * N * V, roofs);
  bench_op(
      "linear (input projection)", {{N, n}, {3 * n, n}, {3 * n}},
      [](auto& x) { return linear(x[0], x[1], x[2]); }, 18.0 * N * n * n, 8.0 * N * n, roofs);
  const Lengths lengths(B, S);
  bench_op(
      "gru_sequence", {{S, B, 3 * n}, {3 * n, n}},
      [&](auto& x) { return gru_sequence(x[0], x[1], lengths, Direction::kForward); }, 18.0 * S * B * n * n,
      20.0 * S * B * n, roofs);
  bench_op(
      "gru_step", {{B, 3 * n}, {B, n}, {3 * n, n}},
      [](auto& x) {
        const StepWeight U(x[2]);
        return gru_step(x[0], x[1], U);
      },
      18.0 * B * n * n, 20.0 * B * n, roofs);
}

void bench_others(const Roofs& roofs) {
  const Lengths lengths(B, S);
  // A tanh counts as one floating-point operation: the bound is memory.
  bench_op(
      "attend", {{B, n}, {S, B, n}, {S, B, 2 * n}, {n}},
      [&](auto& x) { return attend(x[0], x[1], x[2], x[3], lengths).context; }, 0,
      S * B * (n * 4.0 + 2 * n * 4.0), roofs);
  std::vector<Id> targets(N);
  for (std::int64_t i = 0; i < N; ++i) targets[i] = static_cast<Id>(i * 7919 % V);
  bench_op(
      "softmax_xent", {{N, V}}, [&](auto& x) { return softmax_xent(x[0], targets); }, 0, 4.0 * N * V, roofs);
  bench_op(
      "softmax_xent, label smoothing", {{N, V}}, [&](auto& x) { return softmax_xent(x[0], targets, 0.1); }, 0,
      4.0 * N * V, roofs);
  IdMatrix ids(S, B);
  for (std::size_t i = 0; i < ids.ids.size(); ++i) ids.ids[i] = targets[i];
  bench_op(
      "embed", {{V, n}}, [&](auto& x) { return embed(x[0], ids); }, 0, 6.0 * S * B * n, roofs);
  bench_op(
      "tanh", {{N, 4 * n}}, [](auto& x) { return tanh(x[0]); }, 0, 9.0 * N * 4 * n, roofs);
  bench_op(
      "sigmoid", {{N, 4 * n}}, [](auto& x) { return sigmoid(x[0]); }, 0, 9.0 * N * 4 * n, roofs);
  bench_op(
      "add", {{N, 4 * n}, {N, 4 * n}}, [](auto& x) { return add(x[0], x[1]); }, 0, 11.0 * N * 4 * n, roofs);
  bench_op(
      "multiply", {{N, 4 * n}, {N, 4 * n}}, [](auto& x) { return multiply(x[0], x[1]); }, 0, 13.0 * N * 4 * n,
      roofs);
  bench_op(
      "maxout", {{N, 4 * n}}, [](auto& x) { return maxout(x[0]); }, 0, 6.0 * N * 4 * n, roofs);
  bench_op(
      "dropout", {{N, 4 * n}},
      [](auto& x) {
        return dropout(x[0], 0.3, {1, 1});
      },
      0, 8.0 * N * 4 * n, roofs);
  bench_op(
      "concat", {{N, 2 * n}, {N, 2 * n}}, [](auto& x) { return concat(x[0], x[1]); }, 0, 8.0 * N * 4 * n,
      roofs);
}

}  // namespace

void bench_ops_on_cpu(int threads) {
  const Roofs roofs = measure_roofs(cpu_memory());
  print({{"bench", "roof: matrix product"},
         {"value", roofs.gflops},
         {"unit", "GFLOP/s"},
         {"threads", threads}});
  print({{"bench", "roof: memory"}, {"value", roofs.gbytes}, {"unit", "GB/s"}});
  bench_products(roofs);
  bench_others(roofs);
}

}  // namespace mininmt::bench
