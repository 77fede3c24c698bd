// The op table on the GPU: every check of the CPU, with guarded and poisoned memory, and agreement with the
// CPU up to rounding (how close: parity_test.cc).
#include <doctest/doctest.h>

#include "cuda/device.h"
#include "tests/cuda/emulated.h"
#include "tests/cuda/reference.h"
#include "tests/ops/checks.h"

namespace mininmt {
namespace {

// In the emulation, where float runs the same kernels at all sizes, double has the small table alone: the
// wide one would take a minute.
std::vector<OpRow> rows_here() { return kEmulated && sizeof(real) == 8 ? op_table() : all_rows(); }

// NaN-filled blocks surrounded by guard bytes.
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

#ifndef MININMT_EMULATED  // there the test after these does all of it

TEST_CASE("small rows guarded: nothing unwritten is read and nothing outside is written") {
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    const Guards guards;
    check_finite(Ran(row, cuda::memory()));
  }
}

// The pool reuses blocks, so they are freed to the driver: then a checker of uninitialized reads sees each
// row separately.
TEST_CASE("small rows in fresh memory") {
  for (const OpRow& row : op_table()) {
    if (row.large) continue;
    check_finite(Ran(row, cuda::memory()));
    cuda::memory().trim();
  }
}

#endif

TEST_CASE("every check of the op table holds in guarded memory, and all is as on the CPU to rounding") {
  constexpr double kTolerance = sizeof(real) == 4 ? 1e-4 : 1e-12;
  const auto is_close = [](const Tensor& x, const Tensor& expected) {
    return largest_difference(x, expected) <= kTolerance * (1 + largest(expected));
  };
  int padded_elements = 0;
  for (const OpRow& row : rows_here()) {
    const Guards guards;
    Ran ran(row, cuda::memory());
    const Ran cpu(row);
    CHECK_MESSAGE(is_close(ran.outcome.value, cpu.outcome.value), label(row));
    CHECK_MESSAGE(is_close(ran.outcome.gradients, cpu.outcome.gradients), label(row));
    check_finite(ran);
    if (!kEmulated) check_same_bits_again(ran);  // there in every order: below
    check_backward_adds(ran);
    padded_elements += check_padding(ran);
    if (!row.large) check_constants(ran);
  }
  CHECK(padded_elements > 10000);
}

#ifdef MININMT_EMULATED

// A missing barrier shows as bits that depend on the order of threads, in float or double alike: for double
// one other order is enough.
const std::vector<emulation::Order> kThreadOrders =
    sizeof(real) == 4 ? std::vector{emulation::Order::kReverse, emulation::Order::kShuffle}
                      : std::vector{emulation::Order::kReverse};

TEST_CASE("the same bits in every order of threads and blocks") {
  using emulation::Order;
  for (const OpRow& row : rows_here()) {
    Operands operands(row, 1, cuda::memory());
    emulation::set_order(Order::kForward);
    const Outcome expected = run(row, operands);
    for (const Order order : kThreadOrders) {
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
