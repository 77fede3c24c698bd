// The checks for every operation, over the rows of the op table, with poisoned memory.
#include <doctest/doctest.h>
#include <omp.h>

#include "tensor/memory.h"
#include "tests/ops/checks.h"

namespace mininmt {
namespace {

struct Poison {
  Poison() { cpu_memory().pool().set_poison(true); }
  ~Poison() { cpu_memory().pool().set_poison(false); }
};

struct Threads {
  explicit Threads(int count) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before); }
  const int before = omp_get_max_threads();
};

}  // namespace

TEST_CASE_FIXTURE(Poison, "no operation reads memory that nobody wrote") {
  for (const OpRow& row : op_table()) check_finite(row, cpu_memory());
}

TEST_CASE_FIXTURE(Poison, "run twice: the same bits") {
  for (const int threads : {1, 2}) {
    const Threads limit(threads);
    for (const OpRow& row : op_table()) check_same_bits_again(row, cpu_memory());
  }
}

TEST_CASE_FIXTURE(Poison, "one thread against two: the same bits, or to rounding where oneDNN multiplies") {
  int large = 0;
  for (const OpRow& row : op_table()) {
    large += row.large;
    Operands operands(row);
    const auto with_threads = [&](int count) {
      const Threads limit(count);
      return run(row, operands);
    };
    const Outcome one = with_threads(1), two = with_threads(2);
    if (row.library_product) {
      CHECK_MESSAGE(close(one.value, two.value), label(row));
      CHECK_MESSAGE(close(one.gradients, two.gradients), label(row));
    } else {
      CHECK_MESSAGE(same_bits(one.value, two.value), label(row));
      CHECK_MESSAGE(same_bits(one.gradients, two.gradients), label(row));
    }
  }
  CHECK(large > 30);
}

TEST_CASE_FIXTURE(Poison, "backward adds: a second pass doubles the gradients") {
  for (const OpRow& row : op_table()) check_backward_adds(row, cpu_memory());
}

TEST_CASE_FIXTURE(Poison, "an input that is a constant gets no gradient and changes no other") {
  for (const OpRow& row : op_table()) check_constants(row, cpu_memory());
}

TEST_CASE_FIXTURE(Poison,
                  "what stands at padded positions changes nothing, and its gradient is exactly zero") {
  int padded_elements = 0;
  for (const OpRow& row : op_table()) padded_elements += check_padding(row, cpu_memory());
  CHECK(padded_elements > 1000);
}

}  // namespace mininmt
