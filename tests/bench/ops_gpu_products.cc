// The matrix products of an update, with their counts (nn/, ops/gru.cc).
#include <algorithm>
#include <memory>

#include "cuda/kernels.h"
#include "tensor/error.h"
#include "tests/bench/ops_gpu.h"

namespace mininmt::bench {
namespace {

using std::int64_t;

// y (rows, out) = x (rows, in) W^T: forward; dx = dy W: gradient of the input; dW += dy^T x.
enum class Pass { kForward, kInput, kWeight };

struct Product {
  std::string name;
  Pass pass;
  int64_t rows, out, in;
  int64_t times;
  int64_t count = 1;  // at once, in one launch
  bool add = false;   // to the result
};

void bench_product(OpsBench& b, const Product& p) {
  const bool forward = p.pass == Pass::kForward, weight = p.pass == Pass::kWeight;
  const int64_t m = weight ? p.out : p.rows, n = forward ? p.out : p.in;
  const int64_t k = forward ? p.in : weight ? p.rows : p.out;
  const bool add = p.add || weight;
  const double flops =
      2.0 * static_cast<double>(p.count) * static_cast<double>(m * n) * static_cast<double>(k);
  const double floats = static_cast<double>(p.count * (m * k + k * n + (add ? 2 : 1) * m * n));
  const std::string shape = join(p.count > 1 ? join(p.count, " of ") : std::string(), m, " x ", k, " x ", n);
  b.measure(
      {"product: " + p.name, shape, flops, sizeof(real) * floats, static_cast<double>(p.times)}, 1,
      [&]() -> OpsBench::Run {
        const Tensor x = random_tensor({p.count, m * k}, b.memory, 0.05, 1);
        const Tensor y = random_tensor({p.count, k * n}, b.memory, 0.05, 2);
        const Tensor z = Tensor::zeros({p.count, m * n}, b.memory);
        const cuda::Operand left{x.data(), weight ? m : k, weight}, right{y.data(), forward ? k : n, forward};
        return [=](int) {
          (void)x, (void)y;  // kept
          cuda::gemm_batched(p.count, m, n, k, left, m * k, right, k * n, z.data(), n, m * n, add);
        };
      });
}

// A layer over all rows at once, in its three passes.
void bench_layer(OpsBench& b, const std::string& name, int64_t rows, int64_t out, int64_t in, int64_t times) {
  bench_product(b, {name, Pass::kForward, rows, out, in, times});
  bench_product(b, {name + ", dx", Pass::kInput, rows, out, in, times});
  bench_product(b, {name + ", dW", Pass::kWeight, rows, out, in, times});
}

// A layer in a loop: forward and dx per step, dW over all steps.
void bench_step_layer(OpsBench& b, const std::string& name, int64_t steps, int64_t out, int64_t in,
                      int64_t grus) {
  const int64_t B = b.sizes.B;
  bench_product(b, {name, Pass::kForward, B, out, in, steps, grus});
  bench_product(b, {name + ", dx", Pass::kInput, B, out, in, steps, grus, true});
  bench_product(b, {name + ", dW", Pass::kWeight, steps * B, out, in, grus});
}

}  // namespace

void bench_products(OpsBench& b) {
  const Sizes& z = b.sizes;
  const int64_t updates = std::max<int64_t>(1, z.T - 1);
  bench_step_layer(b, "encoder U_z, U_r", z.S, 2 * z.n, z.n, 2);
  bench_step_layer(b, "encoder U", z.S, z.n, z.n, 2);
  bench_step_layer(b, "decoder U_z, U_r", updates, 2 * z.n, z.n, 1);
  bench_step_layer(b, "decoder U", updates, z.n, z.n, 1);
  bench_step_layer(b, "decoder C", updates, 3 * z.n, z.C(), 1);
  bench_step_layer(b, "W_a", z.T, z.A, z.n, 1);
  bench_layer(b, "encoder W", z.S * z.B, 3 * z.n, z.m, 2);
  bench_layer(b, "U_a", z.S * z.B, z.A, z.C(), 1);
  bench_layer(b, "decoder W", z.T * z.B, 3 * z.n, z.m, 1);
  bench_layer(b, "readout U_o", z.N, 2 * z.l, z.n, 1);
  bench_layer(b, "readout V_o", z.N, 2 * z.l, z.m, 1);
  bench_layer(b, "readout C_o", z.N, 2 * z.l, z.C(), 1);
  bench_layer(b, "W_o", z.N, z.V, z.l, 1);
  bench_product(b, {"dvalues", Pass::kWeight, z.T, z.S, z.C(), 1, z.B});
  bench_product(b, {"search, W_o", Pass::kForward, z.search_rows, z.V, z.l, 0});
}

}  // namespace mininmt::bench
