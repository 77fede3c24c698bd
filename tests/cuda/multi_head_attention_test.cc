// Attention to rows picked by number, which has no gradient and so no row in the op table.
#include <doctest/doctest.h>

#include "cuda/device.h"
#include "ops/multi_head_attention.h"
#include "tensor/random.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  const Tensor x(shape);
  const Random random{5, stream};
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<real>(random.normal(static_cast<std::uint64_t>(i)));
  return x;
}

TEST_CASE("attend_to_rows gives what the CPU gives") {
  constexpr double kTolerance = sizeof(real) == 4 ? 1e-5 : 1e-13;
  struct Size {
    std::int64_t rows, count, heads, size, stored;
  };
  for (const auto& [rows, count, heads, size, stored] :
       {Size{1, 1, 1, 1, 1}, {3, 5, 2, 3, 8}, {2, 40, 9, 5, 30}, {2, 3, 2, 150, 4}}) {
    const std::int64_t d = heads * size;
    std::vector<std::int32_t> numbers;  // every third is none, never the first
    for (std::int64_t i = 0; i < rows * count; ++i)
      numbers.push_back(i % count % 3 == 2 ? kNone : static_cast<std::int32_t>(i * 7 % stored));
    const Tensor Q = random_tensor({rows, d}, 1), K = random_tensor({stored, d}, 2),
                 V = random_tensor({stored, d}, 3);
    Tape tape;
    const int h = static_cast<int>(heads);
    const Attended cpu = attend_to_rows(tape.constant(Q), K, V, h, numbers),
                   gpu = attend_to_rows(tape.constant(Q.to(cuda::memory())), K.to(cuda::memory()),
                                        V.to(cuda::memory()), h, numbers);
    CHECK(largest_difference(gpu.context.value().to(cpu_memory()), cpu.context.value()) <= kTolerance);
    CHECK(largest_difference(gpu.alpha.to(cpu_memory()), cpu.alpha) <= kTolerance);
  }
}

}  // namespace
}  // namespace mininmt
