// Random draws that are the same on every platform, so that a seed gives the same corpus everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mininmt::toy {

// SplitMix64 (Steele, Lea, Flood 2014): draw i is a hash of seed + i times a constant. The standard library's
// distributions differ between platforms, so bounded draws are implemented here too.
class Random {
 public:
  explicit Random(std::uint64_t seed) : counter_(seed) {}

  // The next 64 random bits.
  std::uint64_t bits() {
    std::uint64_t z = counter_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // An integer from 0 to n - 1, for n from 1 to 2^32 - 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(((bits() >> 32) * n) >> 32); }

  // True with probability times / of.
  bool chance(std::size_t times, std::size_t of) { return below(of) < times; }

 private:
  std::uint64_t counter_;
};

}  // namespace mininmt::toy
