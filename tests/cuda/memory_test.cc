// GPU memory: guards, pool, and tensors.
#include <doctest/doctest.h>

#include <cstring>
#include <numeric>

#include "cuda/kernels.h"
#include "tensor/error.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"
#include "tests/cuda/emulated.h"

namespace mininmt {
namespace {

struct Guards {
  Guards() {
    REQUIRE(cuda::memory().in_use() == 0);
    cuda::memory().set_guards(true);
  }
  ~Guards() { cuda::memory().set_guards(false); }
};

TEST_CASE("guards see a write behind a block and one before it") {
  const Guards guards;
  const std::int64_t before = cuda::memory().violations();
  for (const std::int64_t count : {1, 31, 64, 1000}) {
    {
      const Tensor x({count}, cuda::memory());
      cuda::fill(count, 1, x.data());
    }
    CHECK(cuda::memory().violations() == before);
  }
  {
    const Tensor x({1000}, cuda::memory());
    cuda::fill(1001, 1, x.data());
  }
  CHECK(cuda::memory().violations() == before + 1);
  {
    const Tensor x({1000}, cuda::memory());
    cuda::fill(1, 1, x.data() - 1);
  }
  CHECK(cuda::memory().violations() == before + 2);
}

TEST_CASE("guarded blocks are NaN at first, also where a block is used again") {
  const Guards guards;
  for (int i = 0; i < 3; ++i) {
    const Tensor x({1000}, cuda::memory());
    for (real v : on_host(x)) CHECK(v != v);
    x.fill(1);
  }
}

TEST_CASE("blocks that are free are handed out again, and given back when asked to") {
  cuda::DeviceMemory& memory = cuda::memory();
  cuda::synchronize();
  memory.trim();
  const std::size_t reserved = memory.reserved(), in_use = memory.in_use();
  {
    const Tensor a({100000}, memory), b({100000}, memory);
    CHECK(memory.in_use() >= in_use + 200000 * sizeof(real));
    CHECK(memory.in_use() <= in_use + 250000 * sizeof(real));
    memory.trim();
    CHECK(memory.reserved() >= reserved + 200000 * sizeof(real));
  }
  CHECK(memory.in_use() == in_use);
  const std::size_t after = memory.reserved();
  CHECK(after > reserved);
  {
    const Tensor c({100000}, memory);
    CHECK(memory.reserved() == after);
  }
  memory.trim();
  CHECK(memory.reserved() == reserved);
}

TEST_CASE("blocks are aligned for the widest accesses") {
  std::vector<Tensor> held;
  for (const std::int64_t count : {1, 3, 17, 1000, 100001}) {
    held.push_back(Tensor({count}, cuda::memory()));
    CHECK(reinterpret_cast<std::uintptr_t>(held.back().data()) % 64 == 0);
  }
}

// More than the staging memory holds, and many small pieces: data must not be overwritten in transit.
TEST_CASE("what is sent arrives, however much and in however many pieces") {
  const std::int64_t count = 5'000'000;
  Tensor host({count});
  std::iota(host.values().begin(), host.values().end(), real{0});
  for (real& v : host.values()) v = static_cast<real>(static_cast<std::int64_t>(v) % 1000003);
  const Tensor there = host.to(cuda::memory());
  const std::vector<real> sent(host.values().begin(), host.values().end());
  host.fill(-1);  // reusable at once
  CHECK(on_host(there) == sent);

  const std::int64_t piece = 1000, pieces = 3000;
  const Tensor all({piece * pieces}, cuda::memory());
  for (std::int64_t i = 0; i < pieces; ++i) {
    Tensor source({piece});
    source.fill(static_cast<real>(i));
    all.slice(i * piece, piece).set(source);
    source.fill(-1);
  }
  const Reals arrived = on_host(all);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < piece * pieces; ++i) wrong += arrived[i] != static_cast<real>(i / piece);
  CHECK(wrong == 0);
}

TEST_CASE("tensors across: copies, views, single elements") {
  const Tensor host = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor there = host.to(cuda::memory());
  CHECK(there.on_cuda());
  CHECK_FALSE(host.on_cuda());
  CHECK(there.shape() == host.shape());
  CHECK(there.to(cuda::memory()).data() == there.data());  // already there
  CHECK(there.view(4, {}).item() == 5);
  there.slice(1, 1).fill(9);
  CHECK(on_host(there) == Reals{1, 2, 3, 9, 9, 9});
  const Tensor copy = there.clone();
  there.slice(0, 1).set(Tensor::from({1, 3}, {7, 7, 7}));
  CHECK(on_host(there) == Reals{7, 7, 7, 9, 9, 9});
  CHECK(on_host(copy) == Reals{1, 2, 3, 9, 9, 9});
  host.set(there);
  CHECK(host.values()[0] == 7);
  CHECK_THROWS_AS(there.values(), Error);
  CHECK_THROWS_AS(there.item(), Error);
  CHECK_THROWS_AS(there.set(Tensor({5})), Error);
}

TEST_CASE("empty tensors are no work") {
  const Tensor none({0, 5}, cuda::memory());
  none.fill(1);
  CHECK(none.to(cpu_memory()).size() == 0);
  none.set(none.clone());
  none.set(Tensor({0, 5}));
}

TEST_CASE("whole numbers are sent when they are first asked for, and stay where they are") {
  const Indices numbers({5, kNone, 7});
  const std::int32_t* const address = numbers.in(cuda::memory());
  CHECK(numbers.in(cuda::memory()) == address);
  CHECK(on_host(address, 3) == std::vector<std::int32_t>{5, kNone, 7});
  const Indices copy = numbers;
  copy.replace({1, 2, 3});
  CHECK(numbers.in(cuda::memory()) == address);
  CHECK(on_host(address, 3) == std::vector<std::int32_t>{1, 2, 3});
  CHECK(numbers.in(cpu_memory())[2] == 3);
  CHECK(Indices().in(cuda::memory()) == nullptr);
  const Indices later({1, 2});
  later.replace({3, 4});  // before the first transfer
  CHECK(on_host(later.in(cuda::memory()), 2) == std::vector<std::int32_t>{3, 4});
}

// A petabyte: more than any GPU has.
TEST_CASE("memory that is not there is an error that says so, and the next block is to be had") {
  CHECK_THROWS_AS(Tensor({std::int64_t{1} << 47}, cuda::memory()), Error);
  const Tensor x({1000}, cuda::memory());
  x.fill(1);
  CHECK(on_host(x)[999] == 1);
}

#ifdef MININMT_EMULATED

TEST_CASE("where the GPU's memory is used up, free blocks are given back before an error is thrown") {
  cuda::DeviceMemory& memory = cuda::memory();
  cuda::synchronize();
  memory.trim();
  constexpr std::int64_t kMiB = (1 << 20) / sizeof(real);
  emulation::set_memory_limit(emulation::allocated_bytes() + (10 << 20));
  { const Tensor free({4 * kMiB}, memory); }
  {
    const Tensor more({8 * kMiB}, memory);
    CHECK(more.defined());
  }
  std::string message;
  try {
    const Tensor too_large({32 * kMiB}, memory);
  } catch (const Error& e) {
    message = e.what();
  }
  emulation::set_memory_limit(std::size_t{2} << 30);
  CHECK(message == "out of memory: 32 MiB more were asked for, 0 KiB are held");
  const Tensor after({32 * kMiB}, memory);
  CHECK(after.defined());
}

#endif

}  // namespace
}  // namespace mininmt
