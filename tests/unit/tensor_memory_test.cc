#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "tensor/memory.h"
#include "tensor/tensor.h"

namespace mininmt {

TEST_CASE(
    "blocks of every size are aligned, writable to the last byte, and at most a quarter larger than asked "
    "for") {
  CpuPool pool;
  for (std::size_t bytes = 0; bytes < 5000; bytes += 7) {
    const std::size_t before = pool.in_use();
    void* const block = pool.allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
    std::memset(block, 1, bytes);
    const std::size_t held = pool.in_use() - before;
    CHECK(held >= bytes);
    CHECK(held <= std::max<std::size_t>(256, (bytes + 63) / 64 * 64 * 5 / 4));
    pool.release(block, bytes);
    CHECK(pool.in_use() == before);
  }
  for (const std::size_t bytes :
       {std::size_t{1} << 20, (std::size_t{1} << 20) + 1, (std::size_t{5} << 20) - 1}) {
    void* const block = pool.allocate(bytes);
    std::memset(block, 1, bytes);
    CHECK(pool.in_use() >= bytes);
    CHECK(pool.in_use() <= bytes * 5 / 4);
    pool.release(block, bytes);
    pool.trim();
  }
}

TEST_CASE("what is released is handed out again, and nothing more is taken from the system") {
  CpuPool pool;
  void* const first = pool.allocate(1000);
  pool.release(first, 1000);
  const std::size_t reserved = pool.reserved();
  for (int i = 0; i < 100; ++i) {
    void* const again = pool.allocate(990);  // the same size class
    CHECK(again == first);
    pool.release(again, 990);
  }
  CHECK(pool.reserved() == reserved);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("trim gives the free blocks back, not those in use") {
  CpuPool pool;
  void* const used = pool.allocate(1000);
  const std::size_t one = pool.reserved();
  pool.release(pool.allocate(1 << 20), 1 << 20);
  CHECK(pool.reserved() > one);
  pool.trim();
  CHECK(pool.reserved() == one);
  CHECK(pool.in_use() == one);
  std::memset(used, 1, 1000);
  pool.release(used, 1000);
  pool.trim();
  CHECK(pool.reserved() == 0);
}

TEST_CASE("tensors account for what they hold") {
  const std::size_t before = cpu_memory().pool().in_use();
  {
    const Tensor x({1000}), shared = x, part = x.slice(0, 10);
    CHECK(cpu_memory().pool().in_use() >= before + 1000 * sizeof(real));
    CHECK(cpu_memory().pool().in_use() <= before + 1250 * sizeof(real));
  }
  CHECK(cpu_memory().pool().in_use() == before);
}

TEST_CASE("poison: new contents are NaN, in a block used before too") {
  CpuMemory memory;
  memory.pool().set_poison(true);
  for (int round = 0; round < 2; ++round) {
    const Tensor x({100}, memory);
    for (real v : x.values()) CHECK(std::isnan(v));
    x.fill(1);
  }
}

TEST_CASE("several threads allocate and release at once") {
  CpuPool pool;
  const auto work = [&pool](unsigned char mark) {
    for (int i = 0; i < 2000; ++i) {
      const std::size_t bytes = 64 + static_cast<std::size_t>(i * 37 % 900);
      auto* const block = static_cast<unsigned char*>(pool.allocate(bytes));
      std::memset(block, mark, bytes);
      std::this_thread::yield();
      for (std::size_t k = 0; k < bytes; k += 50)
        if (block[k] != mark) return false;
      pool.release(block, bytes);
    }
    return true;
  };
  bool ok[4] = {};
  {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] { ok[i] = work(static_cast<unsigned char>(i + 1)); });
    for (std::thread& thread : threads) thread.join();
  }
  for (const bool fine : ok) CHECK(fine);
  CHECK(pool.in_use() == 0);
}

}  // namespace mininmt
