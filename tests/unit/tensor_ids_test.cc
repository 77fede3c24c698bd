// Integer arrays on the host and on one device.
#include <doctest/doctest.h>

#include <cstring>

#include "tensor/error.h"
#include "tensor/ids.h"

namespace mininmt {
namespace {

// A device whose memory the host could read, but on_host() is false; counts what is sent to it.
class Device final : public Memory {
 public:
  void* allocate(std::size_t bytes) override { return blocks_.allocate(bytes); }
  void release(void* block, std::size_t bytes) noexcept override { blocks_.release(block, bytes); }
  bool on_host() const override { return false; }
  void fill(real* data, std::int64_t count, real value) override { blocks_.fill(data, count, value); }
  void copy(void* to, const void* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void from_host(void* to, const void* host, std::size_t bytes) override {
    ++sent;
    std::memcpy(to, host, bytes);
  }
  void to_host(void* host, const void* from, std::size_t bytes) override { std::memcpy(host, from, bytes); }

  std::size_t in_use() { return blocks_.pool().in_use(); }
  int sent = 0;

 private:
  CpuMemory blocks_;
};

}  // namespace

TEST_CASE("numbers are sent to a device once; copies share what was sent") {
  Device device;
  {
    const Indices rows({3, 1, 2}), copy = rows;
    CHECK(rows.in(cpu_memory()) == rows.values().data());
    const std::int32_t* const there = rows.in(device);
    CHECK(there != rows.values().data());
    CHECK(there[2] == 2);
    CHECK(copy.in(device) == there);
    CHECK(rows.in(cpu_memory()) == rows.values().data());
    CHECK(device.sent == 1);
    rows.replace({7, 8, 9});
    CHECK(there[2] == 9);
    CHECK(device.sent == 2);
  }
  CHECK(device.in_use() == 0);
  CHECK(Indices().in(device) == nullptr);
}

TEST_CASE("numbers that were sent to one device are refused to another") {
  Device one, other;
  const Indices rows({3, 1, 2});
  rows.in(one);
  CHECK_THROWS_WITH_AS(rows.in(other), "[Indices::in] the numbers were sent to another device", Error);
  CHECK(rows.in(one)[0] == 3);
  CHECK(other.sent == 0);
}

}  // namespace mininmt
