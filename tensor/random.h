// Random numbers as a function of (seed, stream, position): no state to keep or save, the same on every
// device and for any number of threads. Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "tensor/portable.h"

namespace mininmt {

// Ten rounds over several 128-bit counters in parallel, word w of each in counters[w], with one 64-bit key.
// Inlined, so that in a MININMT_VECTORIZED function the lanes become vector lanes.
template <int kLanes>
MININMT_PORTABLE [[gnu::always_inline]] inline void philox_rounds(std::uint32_t (&counters)[4][kLanes],
                                                                  std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int i = 0; i < kLanes; ++i) {
      const std::uint64_t a = std::uint64_t{0xD2511F53} * counters[0][i];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counters[2][i];
      counters[0][i] = static_cast<std::uint32_t>(b >> 32) ^ counters[1][i] ^ key[0];
      counters[1][i] = static_cast<std::uint32_t>(b);
      counters[2][i] = static_cast<std::uint32_t>(a >> 32) ^ counters[3][i] ^ key[1];
      counters[3][i] = static_cast<std::uint32_t>(a);
    }
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
}

// For one counter.
MININMT_PORTABLE inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key) {
  std::uint32_t lanes[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  philox_rounds(lanes, key);
  return {lanes[0][0], lanes[1][0], lanes[2][0], lanes[3][0]};
}

// In (0, 1), excluding both ends even for a word of all zeros or ones.
inline double open_unit(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

// A standard normal number from two words (Box-Muller), at most 6.8 in absolute value.
inline double standard_normal(std::uint32_t u, std::uint32_t v) {
  return std::sqrt(-2 * std::log(open_unit(u))) * std::cos(6.283185307179586 * open_unit(v));
}

// One sequence of numbers; different streams are independent.
struct Random {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;

  // Blocks i, i + 1, ... of the sequence, four 32-bit numbers each: number w of block i + k is words[w][k].
  template <int kLanes>
  MININMT_PORTABLE [[gnu::always_inline]] void blocks(std::uint64_t i,
                                                      std::uint32_t (&words)[4][kLanes]) const {
#pragma omp simd
    for (int k = 0; k < kLanes; ++k) {
      const std::uint64_t position = i + static_cast<std::uint64_t>(k);
      words[0][k] = static_cast<std::uint32_t>(position);
      words[1][k] = static_cast<std::uint32_t>(position >> 32);
      words[2][k] = static_cast<std::uint32_t>(stream);
      words[3][k] = static_cast<std::uint32_t>(stream >> 32);
    }
    philox_rounds(words, {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  MININMT_PORTABLE std::array<std::uint32_t, 4> block(std::uint64_t i) const {
    std::uint32_t words[4][1];
    blocks(i, words);
    return {words[0][0], words[1][0], words[2][0], words[3][0]};
  }
  MININMT_PORTABLE std::uint32_t bits(std::uint64_t i) const { return block(i / 4)[i % 4]; }

  double uniform(std::uint64_t i) const { return open_unit(bits(i)); }  // in (0, 1)
  double normal(std::uint64_t i) const {                                // standard normal
    const auto words = block(i);
    return standard_normal(words[0], words[1]);
  }
};

// The sequence an operation draws from. `later`, for captured graphs: a number in device memory that kernels
// add to the stream when they run. On the CPU it is an Error, since the host cannot read it.
struct Draws {
  Random random;
  const std::uint64_t* later = nullptr;

  Draws() = default;
  Draws(const Random& random) : random(random) {}
  Draws(std::uint64_t seed, std::uint64_t stream, const std::uint64_t* later = nullptr)
      : random{seed, stream}, later(later) {}
};

}  // namespace mininmt
