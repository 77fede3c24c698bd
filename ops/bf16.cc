#include "ops/bf16.h"

#include <bit>

#include "tensor/parallel.h"

// The CPU's own instruction, where the compiler can be told to use it in one function.
#if defined(__x86_64__) && !defined(MININMT_DOUBLE)
#define MININMT_ROUNDS_BY_INSTRUCTION
#include <immintrin.h>
#endif

namespace mininmt {
namespace {

MININMT_VECTORIZED void round_by_bits(std::int64_t n, const real* x, Bf16* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x[i]));
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    y[i] = static_cast<Bf16>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
  }
}

#ifdef MININMT_ROUNDS_BY_INSTRUCTION
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void round_by_instruction(std::int64_t n,
                                                                                          const float* x,
                                                                                          Bf16* y) {
  constexpr std::int64_t kLanes = 16;
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    const auto lanes = static_cast<__mmask16>(left < kLanes ? (1 << left) - 1 : 0xffff);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, x + i));
    __m256i bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    _mm256_mask_storeu_epi16(y + i, lanes, bits);
  }
}
#endif

}  // namespace

void round_to_bf16(std::int64_t n, const real* x, Bf16* y) {
#ifdef MININMT_ROUNDS_BY_INSTRUCTION
  static const bool has_instruction = __builtin_cpu_supports("avx512bf16");
  if (has_instruction) return round_by_instruction(n, x, y);
#endif
  round_by_bits(n, x, y);
}

MININMT_VECTORIZED void add_scaled(std::int64_t n, real factor, const Bf16* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    y[i] += factor * static_cast<real>(std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16));
}

}  // namespace mininmt
