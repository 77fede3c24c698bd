// What holds for every operation, over the rows of the op table, with every block of memory poisoned first.
#include <doctest/doctest.h>
#include <omp.h>

#include <limits>

#include "tensor/memory.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

struct Poison {
  Poison() { cpu_memory().set_poison(true); }
  ~Poison() { cpu_memory().set_poison(false); }
};

struct Threads {
  explicit Threads(int count) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before); }
  const int before = omp_get_max_threads();
};

std::string label(const OpRow& row) { return row.name + " " + row.shapes(); }

// To the rounding of sums of a few hundred terms.
bool close(const Tensor& a, const Tensor& b) { return largest_difference(a, b) <= 2e-5 * (1 + largest(b)); }

}  // namespace

TEST_CASE_FIXTURE(Poison, "no operation reads memory that nobody wrote") {
  for (const OpRow& row : op_table()) {
    Operands operands(row);
    const Outcome outcome = run(row, operands);
    CHECK_MESSAGE(all_finite(outcome.value), label(row));
    CHECK_MESSAGE(all_finite(outcome.gradients), label(row));
  }
}

TEST_CASE_FIXTURE(Poison, "run twice: the same bits") {
  for (const int threads : {1, 2}) {
    const Threads limit(threads);
    for (const OpRow& row : op_table()) {
      Operands operands(row);
      const Outcome first = run(row, operands), second = run(row, operands);
      CHECK_MESSAGE(same_bits(first.value, second.value), label(row));
      CHECK_MESSAGE(same_bits(first.gradients, second.gradients), label(row));
    }
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

// A backward that sets where it should add passes every check that starts from zero.
TEST_CASE_FIXTURE(Poison, "backward adds: a second pass doubles the gradients") {
  for (const OpRow& row : op_table()) {
    Operands operands(row);
    const Outcome once = run(row, operands);
    const Tensor twice = operands.parameters().new_gradients();
    run_into(row, operands, twice);
    run_into(row, operands, twice);
    for (real& g : twice.values()) g /= 2;
    CHECK_MESSAGE(close(twice, once.gradients), label(row));
  }
}

TEST_CASE_FIXTURE(Poison, "an input that is a constant gets no gradient and changes no other") {
  for (const OpRow& row : op_table()) {
    Operands operands(row);
    const Outcome all = run(row, operands);
    for (int constant = 0; constant < static_cast<int>(row.inputs.size()); ++constant) {
      const Outcome outcome = run(row, operands, constant);
      CHECK_MESSAGE(same_bits(outcome.value, all.value), label(row));
      for (int input = 0; input < static_cast<int>(row.inputs.size()); ++input) {
        const Tensor gradient = operands.gradient(outcome.gradients, input);
        if (input == constant)
          CHECK_MESSAGE(largest(gradient) == 0, label(row));
        else
          CHECK_MESSAGE(same_bits(gradient, operands.gradient(all.gradients, input)), label(row));
      }
    }
  }
}

TEST_CASE_FIXTURE(Poison,
                  "what stands at padded positions changes nothing, and its gradient is exactly zero") {
  int padded_elements = 0;
  for (const OpRow& row : op_table()) {
    if (row.padding.empty()) continue;
    Operands operands(row);
    const Outcome before = run(row, operands);
    const auto each_padded = [&](const Tensor& block, auto&& work) {
      for (const Padding& padding : row.padding)
        for (const std::int64_t i : padding.rows) {
          const Tensor x = operands.gradient(block, padding.input);
          const std::int64_t n = x.shape()[-1];
          for (std::int64_t k = 0; k < n; ++k) work(x.data()[i * n + k]);
        }
    };
    int with_gradient = 0;
    each_padded(before.gradients, [&](real& dx) {
      ++padded_elements;
      with_gradient += dx != 0;
    });
    CHECK_MESSAGE(with_gradient == 0, label(row));
    for (const real filling : {real{1e30f}, real{-1e30f}, std::numeric_limits<real>::infinity(),
                               std::numeric_limits<real>::quiet_NaN()}) {
      each_padded(operands.parameters().values(), [&](real& x) { x = filling; });
      const Outcome after = run(row, operands);
      CHECK_MESSAGE(same_bits(after.value, before.value), label(row) << " padded with " << filling);
      CHECK_MESSAGE(largest_difference(after.gradients, before.gradients) == 0,
                    label(row) << " padded with " << filling);
    }
  }
  CHECK(padded_elements > 1000);
}

}  // namespace mininmt
