// The op table on the GPU.
#include <doctest/doctest.h>

#include "cuda/device.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

std::string label(const OpRow& row) { return row.name + " " + row.shapes(); }

TEST_CASE("every operation gives what the CPU gives") {
  for (const OpRow& row : op_table()) {
    Operands on_cpu(row), on_gpu(row, 1, cuda::memory());
    const Outcome cpu = run(row, on_cpu), gpu = run(row, on_gpu);
    CHECK_MESSAGE(largest_difference(gpu.value, cpu.value) <= 2e-5 * (1 + largest(cpu.value)), label(row));
    CHECK_MESSAGE(largest_difference(gpu.gradients, cpu.gradients) <= 2e-5 * (1 + largest(cpu.gradients)),
                  label(row));
  }
}

}  // namespace
}  // namespace mininmt
