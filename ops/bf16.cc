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

// What is rounded: x, or a x + b.
struct Itself {};
struct Scaled {
  real a, b;
};

[[gnu::always_inline]] inline real value(Itself, real x) { return x; }
[[gnu::always_inline]] inline real value(Scaled scaled, real x) { return scaled.a * x + scaled.b; }

template <class Of>
MININMT_VECTORIZED void round_by_bits(std::int64_t n, Of of, const real* x, Bf16* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value(of, x[i])));
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    y[i] = static_cast<Bf16>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
  }
}

#ifdef MININMT_ROUNDS_BY_INSTRUCTION
#define MININMT_WITH_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

MININMT_WITH_BF16 inline __m512 values(Itself, __m512 x) { return x; }
MININMT_WITH_BF16 inline __m512 values(Scaled scaled, __m512 x) {
  return _mm512_fmadd_ps(_mm512_set1_ps(scaled.a), x, _mm512_set1_ps(scaled.b));
}

template <class Of>
MININMT_WITH_BF16 void round_by_instruction(std::int64_t n, Of of, const float* x, Bf16* y) {
  constexpr std::int64_t kLanes = 16;
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    const auto lanes = static_cast<__mmask16>(left < kLanes ? (1 << left) - 1 : 0xffff);
    const __m256bh rounded = _mm512_cvtneps_pbh(values(of, _mm512_maskz_loadu_ps(lanes, x + i)));
    __m256i bits;
    __builtin_memcpy(&bits, &rounded, sizeof bits);
    _mm256_mask_storeu_epi16(y + i, lanes, bits);
  }
}
#endif

template <class Of>
void round(std::int64_t n, Of of, const real* x, Bf16* y) {
#ifdef MININMT_ROUNDS_BY_INSTRUCTION
  static const bool has_instruction = __builtin_cpu_supports("avx512bf16");
  if (has_instruction) return round_by_instruction(n, of, x, y);
#endif
  round_by_bits(n, of, x, y);
}

}  // namespace

void round_to_bf16(std::int64_t n, const real* x, Bf16* y) { round(n, Itself{}, x, y); }

void scale_to_bf16(std::int64_t n, real factor, const real* x, real shift, Bf16* y) {
  round(n, Scaled{factor, shift}, x, y);
}

MININMT_VECTORIZED void add_scaled(std::int64_t n, real factor, const Bf16* x, real* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    y[i] += factor * static_cast<real>(std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16));
}

}  // namespace mininmt
