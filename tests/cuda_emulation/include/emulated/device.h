// The device functions: indices, barriers, warp operations, arithmetic.
#pragma once

#include <math.h>  // with global float overloads, as in CUDA

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "emulated/types.h"

// Set before a thread of a block continues. Only one kernel runs at a time.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
inline constexpr int warpSize = 32;

namespace mininmt::emulation::device {

#ifdef __cpp_lib_source_location
using Site = std::source_location;
#else  // Clang 14 has only the parts of it
class Site {
 public:
  static Site current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                      unsigned column = __builtin_COLUMN()) {
    Site site;
    site.file_ = file, site.line_ = line, site.column_ = column;
    return site;
  }
  const char* file_name() const { return file_; }
  unsigned line() const { return line_; }
  unsigned column() const { return column_; }

 private:
  const char* file_ = "";
  unsigned line_ = 0, column_ = 0;
};
#endif
enum class Collective { kNone, kBarrier, kSyncWarp, kShuffle, kVote };

struct BlockVote {
  int threads_true;
  int threads;
};

// Waits until every thread of the block is at this place; returns how many had a true predicate.
BlockVote barrier(bool predicate, const Site& site);

// Waits until all 32 lanes of the warp are at this place; returns their values, valid until the next call.
const std::uint64_t* exchange(Collective kind, unsigned mask, std::uint64_t value, const Site& site);

unsigned lane();

template <class T>
std::uint64_t pack(T value) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

// The value of lane `from`, or the caller's own if `from` is outside its group of lanes.
template <class T>
T shuffle(unsigned mask, T value, int from, bool inside, const Site& site) {
  const std::uint64_t* const values = exchange(Collective::kShuffle, mask, pack(value), site);
  if (!inside) return value;
  T result;
  std::memcpy(&result, &values[from], sizeof(T));
  return result;
}

inline int group_start(int width) { return static_cast<int>(lane()) & ~(width - 1); }

inline unsigned vote(unsigned mask, int predicate, const Site& site) {
  const std::uint64_t* const values = exchange(Collective::kVote, mask, predicate != 0, site);
  unsigned bits = 0;
  for (int i = 0; i < warpSize; ++i) bits |= static_cast<unsigned>(values[i]) << i;
  return bits;
}

}  // namespace mininmt::emulation::device

inline void __syncthreads(
    mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  mininmt::emulation::device::barrier(false, site);
}
inline int __syncthreads_count(
    int predicate, mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  return mininmt::emulation::device::barrier(predicate != 0, site).threads_true;
}
inline int __syncthreads_or(
    int predicate, mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  return mininmt::emulation::device::barrier(predicate != 0, site).threads_true > 0;
}
inline int __syncthreads_and(
    int predicate, mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  const auto vote = mininmt::emulation::device::barrier(predicate != 0, site);
  return vote.threads_true == vote.threads;
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  mininmt::emulation::device::exchange(mininmt::emulation::device::Collective::kSyncWarp, mask, 0, site);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,
              mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  const int from = mininmt::emulation::device::group_start(width) + (source & (width - 1));
  return mininmt::emulation::device::shuffle(mask, value, from, true, site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = warpSize,
                  mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  const int from = static_cast<int>(mininmt::emulation::device::lane()) ^ bits;
  const int end = mininmt::emulation::device::group_start(width) + width;
  return mininmt::emulation::device::shuffle(mask, value, from, from < end, site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                   mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  const int from = static_cast<int>(mininmt::emulation::device::lane() + delta);
  const int end = mininmt::emulation::device::group_start(width) + width;
  return mininmt::emulation::device::shuffle(mask, value, from, from < end, site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                 mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  const int from = static_cast<int>(mininmt::emulation::device::lane()) - static_cast<int>(delta);
  const bool inside = from >= mininmt::emulation::device::group_start(width);
  return mininmt::emulation::device::shuffle(mask, value, from, inside, site);
}
inline unsigned __ballot_sync(
    unsigned mask, int predicate,
    mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  return mininmt::emulation::device::vote(mask, predicate, site);
}
inline int __any_sync(unsigned mask, int predicate,
                      mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  return mininmt::emulation::device::vote(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      mininmt::emulation::device::Site site = mininmt::emulation::device::Site::current()) {
  return mininmt::emulation::device::vote(mask, predicate, site) == 0xffffffffu;
}

template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, T value) {
  *address = value;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

// Like CUDA's global min and max, also for different types.
template <class A, class B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> min(A a, B b) {
  if constexpr (std::is_floating_point_v<std::common_type_t<A, B>>) return std::fmin(a, b);
  return b < a ? b : a;
}
template <class A, class B>
requires(std::is_arithmetic_v<A>&& std::is_arithmetic_v<B>) constexpr std::common_type_t<A, B> max(A a, B b) {
  if constexpr (std::is_floating_point_v<std::common_type_t<A, B>>) return std::fmax(a, b);
  return a < b ? b : a;
}
