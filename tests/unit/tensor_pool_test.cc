// The pool: block sizes, reuse, and freeing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "tensor/error.h"
#include "tensor/memory.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

constexpr std::size_t kMiB = 1 << 20;

// A system with limited memory that records the size of each block.
class SmallPool final : public Pool {
 public:
  explicit SmallPool(Keep keep, std::size_t room = ~std::size_t{0}) : Pool(keep), room_(room) {}
  ~SmallPool() override {
    for (const auto& [block, size] : sizes) std::free(block);
    for (void* const block : given_back_) std::free(block);
  }

  std::map<void*, std::size_t> sizes;
  int taken = 0;

 protected:
  void* from_system(std::size_t size) override {
    if (size > room_) return nullptr;
    room_ -= size;
    ++taken;
    void* const block = std::aligned_alloc(64, size);
    sizes[block] = size;
    return block;
  }
  void to_system(void* block, std::size_t size) noexcept override {
    CHECK(sizes.at(block) == size);
    room_ += size;
    sizes.erase(block);
    given_back_.push_back(block);  // freed later, so that no new block gets its address
  }
  void poison(void*, std::size_t) override {}

 private:
  std::size_t room_;
  std::vector<void*> given_back_;
};

// Allocates and releases a block.
void* touch(Pool& pool, std::size_t bytes) {
  void* const block = pool.allocate(bytes);
  pool.release(block, bytes);
  return block;
}

}  // namespace

TEST_CASE("a block is never too small, and a small one at most a quarter too large, a large one twice") {
  for (const Keep keep : {Keep::kAlways, Keep::kWhileRoom, Keep::kBounded}) {
    SmallPool pool(keep);
    struct Used {
      unsigned char* block;
      std::size_t bytes;
      unsigned char mark;
    };
    std::vector<Used> used;
    const auto give_back = [&](std::size_t i) {
      const Used u = used[i];
      CHECK(u.block[0] == u.mark);
      CHECK(u.block[u.bytes - 1] == u.mark);
      used.erase(used.begin() + static_cast<std::ptrdiff_t>(i));
      pool.release(u.block, u.bytes);
    };
    const Random random{3, 0};
    for (std::uint64_t i = 0; i < 3000; ++i) {
      const std::size_t bytes = 1 + random.bits(3 * i) % (i % 3 == 0 ? 5000 : 6 * kMiB);
      auto* const block = static_cast<unsigned char*>(pool.allocate(bytes));
      const std::size_t size = pool.sizes.at(block),
                        rounded = std::max<std::size_t>(256, (bytes + 63) / 64 * 64);
      CHECK(size >= bytes);
      CHECK(size <= (keep == Keep::kBounded && rounded > kMiB / 5 * 4 ? rounded * 5 / 2 : rounded * 5 / 4));
      block[0] = block[bytes - 1] = static_cast<unsigned char>(i);
      used.push_back({block, bytes, static_cast<unsigned char>(i)});
      while (used.size() > 1 + random.bits(3 * i + 1) % 20) give_back(random.bits(3 * i + 2) % used.size());
    }
    while (!used.empty()) give_back(0);
    CHECK(pool.in_use() == 0);
    std::size_t held = 0;
    for (const auto& [block, size] : pool.sizes) held += size;
    CHECK(pool.reserved() == held);
  }
}

TEST_CASE("a large block serves for half of its size, and is afterwards what it was") {
  SmallPool pool(Keep::kBounded);
  void* const block = touch(pool, 4 * kMiB);
  CHECK(touch(pool, 2 * kMiB) == block);
  CHECK(touch(pool, 3 * kMiB) == block);
  CHECK(touch(pool, 4 * kMiB) == block);
  CHECK(pool.taken == 1);
  CHECK(pool.in_use() == 0);
  CHECK(touch(pool, kMiB) != block);  // less than half
  CHECK(pool.taken == 2);
}

TEST_CASE("blocks of ever other sizes: no more is held than a third above what was in use") {
  SmallPool bounded(Keep::kBounded), always(Keep::kAlways);
  for (SmallPool* pool : {&bounded, &always}) {
    std::size_t most = 0;
    for (std::size_t i = 2; i < 62; ++i) {
      const std::size_t a = i * kMiB, b = (64 - i) * kMiB;
      void* const one = pool->allocate(a);
      void* const two = pool->allocate(b);
      most = std::max(most, pool->in_use());
      pool->release(one, a);
      pool->release(two, b);
      if (pool == &bounded) CHECK(pool->reserved() <= most * 4 / 3);
    }
    CHECK(most <= 2 * 80 * kMiB);  // 64 requested, 80 as whole classes
  }
  CHECK(always.reserved() > 2 * bounded.reserved());
}

TEST_CASE("what was not used for longest is given back first") {
  SmallPool pool(Keep::kBounded);
  void* const most = pool.allocate(12 * kMiB);  // the limit: 16 MiB
  pool.release(most, 12 * kMiB);
  void* const one = pool.allocate(kMiB);
  pool.release(one, kMiB);
  void* const used = pool.allocate(2 * kMiB + kMiB / 2);
  pool.release(used, 2 * kMiB + kMiB / 2);
  CHECK(pool.sizes.size() == 3);
  CHECK(touch(pool, 12 * kMiB) == most);
  touch(pool, 4 * kMiB);  // 19.5 MiB is too much: the 1 MiB block goes, then the 2.5 MiB one
  CHECK(pool.sizes.contains(most));
  CHECK(!pool.sizes.contains(one));
  CHECK(!pool.sizes.contains(used));
}

TEST_CASE("the same batch again and again takes nothing more from the system") {
  SmallPool pool(Keep::kBounded);
  int first = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t i = 1; i <= 12; ++i) {
      const std::size_t bytes = i * 300'000;
      blocks.emplace_back(pool.allocate(bytes), bytes);
    }
    for (const auto& [block, bytes] : blocks) pool.release(block, bytes);
    if (round == 0) first = pool.taken;
  }
  CHECK(pool.taken == first);
}

TEST_CASE("after one large batch the pool shrinks again") {
  SmallPool bounded(Keep::kBounded), always(Keep::kAlways);
  for (SmallPool* pool : {&bounded, &always}) {
    touch(*pool, 64 * kMiB);
    for (int i = 0; i < 20'000; ++i) touch(*pool, 1000);
  }
  CHECK(bounded.reserved() < kMiB);
  CHECK(always.reserved() >= 64 * kMiB);
}

TEST_CASE("where the system has no more, free blocks are given back, or the error says how much is held") {
  SmallPool room(Keep::kWhileRoom, 10 * kMiB), always(Keep::kAlways, 10 * kMiB);
  for (SmallPool* pool : {&room, &always}) touch(*pool, 6 * kMiB);
  CHECK_NOTHROW(touch(room, 8 * kMiB));
  CHECK(room.reserved() == 8 * kMiB);
  CHECK_THROWS_WITH_AS(always.allocate(8 * kMiB), "out of memory: 8 MiB more were asked for, 6 MiB are held",
                       Error);
}

TEST_CASE("large blocks of the CPU begin where a huge page does, and can be written to their last byte") {
  CpuPool pool;
  for (const std::size_t bytes : {kMiB, 2 * kMiB, 5 * kMiB + 1, 33 * kMiB}) {
    auto* const block = static_cast<char*>(pool.allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(block) % (2 * kMiB) == 0);
    std::memset(block, 1, bytes);
    pool.release(block, bytes);
    pool.trim();
    CHECK(pool.reserved() == 0);
  }
}

}  // namespace mininmt
