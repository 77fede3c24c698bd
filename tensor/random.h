// Random numbers as a function of (seed, stream, position): nothing to carry along, nothing to save, the same on every
// device and with any number of threads. Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace mininmt {

// Ten rounds over a 128-bit counter with a 64-bit key.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// One sequence of numbers: those of another stream are independent of it.
struct Random {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;

  // Four 32-bit numbers, block i of the sequence.
  std::array<std::uint32_t, 4> block(std::uint64_t i) const {
    return philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32),
                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                  {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  std::uint32_t bits(std::uint64_t i) const { return block(i / 4)[i % 4]; }

  // Uniform in (0, 1), never an end.
  double uniform(std::uint64_t i) const { return (bits(i) + 0.5) * 0x1p-32; }

  // Standard normal, by Box and Muller.
  double normal(std::uint64_t i) const {
    const auto words = block(i);
    const double u = (words[0] + 0.5) * 0x1p-32, v = (words[1] + 0.5) * 0x1p-32;
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
};

}  // namespace mininmt
