// The checks for every operation, over the rows of the op table, with poisoned memory.
#include <doctest/doctest.h>
#include <omp.h>

#include <deque>

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

// Every row, run once.
std::deque<Ran>& ran_rows() {
  static std::deque<Ran> rows;
  if (rows.empty())
    for (const OpRow& row : op_table()) rows.emplace_back(row);
  return rows;
}

}  // namespace

TEST_CASE_FIXTURE(Poison, "no operation reads memory that nobody wrote") {
  for (const Ran& ran : ran_rows()) check_finite(ran);
}

TEST_CASE_FIXTURE(Poison,
                  "the same bits again, and with one thread or two; or to rounding where oneDNN multiplies") {
  int large = 0;
  for (const OpRow& row : op_table()) {
    large += row.large;
    const auto with_threads = [&](int count) {
      const Threads limit(count);
      Ran ran(row);
      check_same_bits_again(ran);
      return ran.outcome;
    };
    const Outcome one = with_threads(1), two = with_threads(2);
    const auto same = row.library_product ? close : same_bits;
    CHECK_MESSAGE(same(one.value, two.value), label(row));
    CHECK_MESSAGE(same(one.gradients, two.gradients), label(row));
  }
  CHECK(large > 30);
}

TEST_CASE_FIXTURE(Poison, "backward adds: a second pass doubles the gradients") {
  for (Ran& ran : ran_rows()) check_backward_adds(ran);
}

TEST_CASE_FIXTURE(Poison, "an input that is a constant gets no gradient and changes no other") {
  for (Ran& ran : ran_rows()) check_constants(ran);
}

TEST_CASE_FIXTURE(Poison,
                  "what stands at padded positions changes nothing, and its gradient is exactly zero") {
  int padded_elements = 0;
  for (Ran& ran : ran_rows()) padded_elements += check_padding(ran);
  CHECK(padded_elements > 1000);
}

}  // namespace mininmt
