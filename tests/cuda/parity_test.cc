// The error of the GPU in float, over the op table, judged by results in double. In the float build alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cuda/device.h"
#include "tensor/error.h"
#include "tests/cuda/reference.h"
#include "tests/ops/checks.h"

namespace mininmt {
namespace {

constexpr double kUnit = std::numeric_limits<real>::epsilon();

double norm(const std::vector<double>& x) {
  double square = 0;
  for (double v : x) square += v * v;
  return std::sqrt(square);
}

double most(const std::vector<double>& x, double before) {
  for (double v : x) before = std::max(before, std::abs(v));
  return before;
}

// The errors of one result against double, over draws of the operands.
struct Errors {
  double gpu = 0, cpu = 0, exact = 0;                 // L2 norms; `exact` is the result's own
  double most_gpu = 0, most_cpu = 0, most_exact = 0;  // largest numbers

  void add(const Tensor& on_gpu, const Tensor& on_cpu, const std::vector<double>& in_double) {
    REQUIRE(on_gpu.size() == on_cpu.size());
    std::vector<double> of_gpu(in_double.size()), of_cpu(in_double.size());
    for (std::size_t i = 0; i < in_double.size(); ++i) {
      of_gpu[i] = on_gpu.data()[i] - in_double[i];
      of_cpu[i] = on_cpu.data()[i] - in_double[i];
    }
    gpu = std::hypot(gpu, norm(of_gpu)), most_gpu = most(of_gpu, most_gpu);
    cpu = std::hypot(cpu, norm(of_cpu)), most_cpu = most(of_cpu, most_cpu);
    exact = std::hypot(exact, norm(in_double)), most_exact = most(in_double, most_exact);
  }

  // At most twice the CPU's; or a few units in the last place of the result's norm or largest number, where
  // the CPU's is next to nothing. False if anything is NaN, since the norm is then.
  bool within_bounds() const {
    return gpu <= 2 * cpu + kUnit * exact && most_gpu <= 2 * most_cpu + 4 * kUnit * most_exact;
  }

  // Of the GPU's to the CPU's, which below a quarter unit was only lucky.
  double ratio() const { return gpu / std::max(cpu, kUnit / 4 * exact); }
};

// Of the value and the gradient of each input.
std::vector<Errors> errors_of(const OpRow& row, Reference& reference, int first, int count) {
  std::vector<Errors> errors(1 + row.inputs.size());
  for (int seed = first; seed < first + count; ++seed) {
    Operands on_cpu(row, seed), on_gpu(row, seed, cuda::memory());
    const Outcome cpu = run(row, on_cpu), gpu = run(row, on_gpu);
    errors[0].add(gpu.value, cpu.value, reference.next(cpu.value.size()));
    for (std::size_t input = 0; input < row.inputs.size(); ++input) {
      const Tensor of_cpu = on_cpu.gradient(cpu.gradients, static_cast<int>(input));
      errors[1 + input].add(on_cpu.gradient(gpu.gradients, static_cast<int>(input)), of_cpu,
                            reference.next(of_cpu.size()));
    }
  }
  return errors;
}

bool all_within_bounds(const std::vector<Errors>& errors) {
  return std::all_of(errors.begin(), errors.end(), [](const Errors& e) { return e.within_bounds(); });
}

// Attention over wide rows is sharp: its error is that of one or two scores, and that of the CPU is small by
// luck now and then. So a row that one draw finds out of bounds is judged by other draws.
TEST_CASE("the error against double is at most twice that of the plain float version") {
  constexpr int kMoreDraws = 16;
  const std::vector<OpRow> rows = all_rows();
  Reference reference({});
  double largest_ratio = 0;
  std::string where = "none";
  for (int i = 0; i < static_cast<int>(rows.size()); ++i) {
    std::vector<Errors> errors = errors_of(rows[i], reference, 1, 1);
    if (!all_within_bounds(errors)) {
      Reference more({i, 2, kMoreDraws});
      errors = errors_of(rows[i], more, 2, kMoreDraws);
      std::printf("op table: %s judged by %d draws\n", label(rows[i]).c_str(), kMoreDraws);
    }
    for (std::size_t k = 0; k < errors.size(); ++k) {
      const Errors& e = errors[k];
      const std::string what = label(rows[i]) + (k == 0 ? "" : join(", gradient of input ", k - 1));
      CHECK_MESSAGE(e.within_bounds(), what, ": error norm ", e.gpu, ", of the CPU ", e.cpu,
                    ", of the result ", e.exact, "; largest ", e.most_gpu, ", ", e.most_cpu, ", ",
                    e.most_exact);
      if (e.ratio() > largest_ratio) largest_ratio = e.ratio(), where = what;
    }
  }
  std::printf("op table: largest error of the GPU over the CPU's %.2f (%s)\n", largest_ratio, where.c_str());
}

}  // namespace
}  // namespace mininmt
