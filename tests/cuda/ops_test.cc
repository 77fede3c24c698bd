// The op table on the GPU: every check that the CPU passes, with guarded and poisoned memory; and the CPU's
// results.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cuda/device.h"
#include "tests/cuda/reference.h"
#include "tests/ops/checks.h"
#ifdef MININMT_EMULATED
#include "tests/cuda_emulation/emulation.h"
#endif

namespace mininmt {
namespace {

// Blocks of NaN between bytes that nobody may touch.
struct Guards {
  Guards() {
    REQUIRE(cuda::memory().in_use() == 0);
    cuda::memory().set_guards(true);
  }
  ~Guards() {
    CHECK(cuda::memory().in_use() == 0);
    CHECK(cuda::memory().violations() == before);
    cuda::memory().set_guards(false);
  }
  const std::int64_t before = cuda::memory().violations();
};

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

std::vector<double> part(const std::vector<double>& block, const Tensor& whole, const Tensor& view) {
  const auto first = block.begin() + (view.data() - whole.data());
  return {first, first + view.size()};
}

TEST_CASE("small rows guarded: nothing unwritten is read and nothing outside is written") {
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    const Guards guards;
    check_finite(row, cuda::memory());
  }
}

// The pool hands out what it has, so blocks are given back to the driver: then a checker of uninitialised
// reads sees each row for itself.
TEST_CASE("small rows in fresh memory") {
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    check_finite(row, cuda::memory());
    cuda::memory().trim();
  }
}

TEST_CASE("every check of the op table holds in guarded memory") {
  int padded_elements = 0;
  for (const OpRow& row : all_rows()) {
    const Guards guards;
    check_finite(row, cuda::memory());
    check_same_bits_again(row, cuda::memory());
    check_backward_adds(row, cuda::memory());
    padded_elements += check_padding(row, cuda::memory());
    if (!row.large) check_constants(row, cuda::memory());
  }
  CHECK(padded_elements > 10000);
}

TEST_CASE("the error against double is at most twice that of the plain float version") {
  Ratio ratio;
#ifndef MININMT_DOUBLE
  Reference reference;
#endif
  for (const OpRow& row : all_rows()) {
    Operands on_cpu(row), on_gpu(row, 1, cuda::memory());
    const Outcome cpu = run(row, on_cpu), gpu = run(row, on_gpu);
#ifdef MININMT_DOUBLE
    CHECK_MESSAGE(largest_difference(gpu.value, cpu.value) <= 1e-12 * (1 + largest(cpu.value)), label(row));
    CHECK_MESSAGE(largest_difference(gpu.gradients, cpu.gradients) <= 1e-12 * (1 + largest(cpu.gradients)),
                  label(row));
#else
    check_errors(label(row), gpu.value, cpu.value, reference.next(cpu.value.size()), ratio);
    const std::vector<double> exact = reference.next(cpu.gradients.size());
    for (int input = 0; input < static_cast<int>(row.inputs.size()); ++input) {
      const Tensor gradient = on_cpu.gradient(cpu.gradients, input);
      check_errors(label(row) + ", gradient of input " + std::to_string(input),
                   on_cpu.gradient(gpu.gradients, input), gradient, part(exact, cpu.gradients, gradient),
                   ratio);
    }
#endif
  }
#ifndef MININMT_DOUBLE
  std::printf("op table: largest error of the GPU over the CPU's %.2f (%s)\n", ratio.most,
              ratio.where.c_str());
#endif
}

#ifdef MININMT_EMULATED

// A barrier that is missing shows as bits that depend on which thread is first.
TEST_CASE("the same bits in every order of threads and blocks") {
  using emulation::Order;
  for (const OpRow& row : all_rows()) {
    Operands operands(row, 1, cuda::memory());
    emulation::set_order(Order::kForward);
    const Outcome expected = run(row, operands);
    for (const Order order : {Order::kReverse, Order::kShuffle}) {
      emulation::set_order(order);
      const Outcome outcome = run(row, operands);
      CHECK_MESSAGE(same_bits(outcome.value, expected.value), label(row));
      CHECK_MESSAGE(same_bits(outcome.gradients, expected.gradients), label(row));
    }
    emulation::set_order(Order::kForward);
  }
}

#endif

}  // namespace
}  // namespace mininmt
