// The error of the GPU in float, over the op table, judged by results in double. In the float build alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cuda/device.h"
#include "tests/cuda/reference.h"
#include "tests/ops/checks.h"

namespace mininmt {
namespace {

double norm(const std::vector<double>& x) {
  double square = 0;
  for (double v : x) square += v * v;
  return std::sqrt(square);
}

// The largest error ratios seen, for the report.
struct Ratio {
  double most = 0;
  std::string where = "none";
};

// The error of the GPU's array against double is at most twice the CPU's, in the L2 norm and at its largest;
// or a few units in the last place of the array's norm or largest number, where the CPU's is next to nothing.
void check_errors(const std::string& what, const Tensor& gpu, const Tensor& cpu,
                  const std::vector<double>& exact, Ratio& ratio) {
  REQUIRE(gpu.size() == cpu.size());
  std::vector<double> of_gpu(exact.size()), of_cpu(exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    of_gpu[i] = gpu.data()[i] - exact[i];
    of_cpu[i] = cpu.data()[i] - exact[i];
  }
  const auto most = [](const std::vector<double>& x) {
    double m = 0;
    for (double v : x) m = std::abs(v) <= m ? m : std::abs(v);  // a NaN shows
    return m;
  };
  const double unit = std::numeric_limits<real>::epsilon();
  INFO(what);
  CHECK(norm(of_gpu) <= 2 * norm(of_cpu) + unit * norm(exact));
  CHECK(most(of_gpu) <= 2 * most(of_cpu) + 4 * unit * most(exact));
  const double floor = unit / 4 * norm(exact);  // below this the CPU was only lucky
  const double r = norm(of_gpu) / std::max(norm(of_cpu), floor);
  if (r > ratio.most) ratio = {r, what};
}

TEST_CASE("the error against double is at most twice that of the plain float version") {
  Reference reference;
  Ratio ratio;
  for (const OpRow& row : all_rows()) {
    Operands on_cpu(row), on_gpu(row, 1, cuda::memory());
    const Outcome cpu = run(row, on_cpu), gpu = run(row, on_gpu);
    check_errors(label(row), gpu.value, cpu.value, reference.next(cpu.value.size()), ratio);
    for (int input = 0; input < static_cast<int>(row.inputs.size()); ++input) {
      const Tensor of_gpu = on_cpu.gradient(gpu.gradients, input),
                   of_cpu = on_cpu.gradient(cpu.gradients, input);
      check_errors(label(row) + ", gradient of input " + std::to_string(input), of_gpu, of_cpu,
                   reference.next(of_cpu.size()), ratio);
    }
  }
  std::printf("op table: largest error of the GPU over the CPU's %.2f (%s)\n", ratio.most,
              ratio.where.c_str());
}

}  // namespace
}  // namespace mininmt
