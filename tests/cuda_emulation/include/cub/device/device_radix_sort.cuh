// Emulates the header of the same name: the radix sort of pairs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cuda_runtime.h"

namespace mininmt::emulation::host {

// Ends the process unless every address is in allocated device memory and no output overlaps anything. In
// this order: keys, values, sorted keys, sorted values.
void check_sort(const void* temporary, std::size_t temporary_bytes, const void* const addresses[4],
                const std::size_t bytes[4]);

// Queues a sort that first fills its temporary memory with 0xff.
cudaError_t queue_sort(void* temporary, std::size_t bytes, std::function<void()> sort, cudaStream_t stream);

// Bits begin to end of a key, transformed so that their order is the order of the keys.
template <class Key>
std::uint64_t digits(Key key, int begin, int end) {
  static_assert(std::is_integral_v<Key>);
  auto bits = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<Key>>(key));
  if constexpr (std::is_signed_v<Key>) bits ^= std::uint64_t{1} << (sizeof(Key) * 8 - 1);
  bits >>= begin;
  return end - begin == 64 ? bits : bits & ((std::uint64_t{1} << (end - begin)) - 1);
}

template <class Key, class Value>
void sort_pairs(const Key* keys, Key* sorted_keys, const Value* values, Value* sorted_values, std::size_t n,
                int begin, int end) {
  std::vector<std::pair<Key, Value>> pairs(n);
  for (std::size_t i = 0; i < n; ++i) pairs[i] = {keys[i], values[i]};
  if (begin < end)
    std::stable_sort(pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
      return digits(a.first, begin, end) < digits(b.first, begin, end);
    });
  for (std::size_t i = 0; i < n; ++i) {
    sorted_keys[i] = pairs[i].first;
    sorted_values[i] = pairs[i].second;
  }
}

}  // namespace mininmt::emulation::host

namespace cub {

struct DeviceRadixSort {
  template <class Key, class Value, class Number>
  static cudaError_t SortPairs(void* temporary, std::size_t& temporary_bytes, const Key* keys,
                               Key* sorted_keys, const Value* values, Value* sorted_values, Number n,
                               int begin_bit = 0, int end_bit = sizeof(Key) * 8,
                               cudaStream_t stream = nullptr) {
    // CUB reports any pending error of the runtime as its own.
    if (const cudaError_t pending = cudaGetLastError(); pending != cudaSuccess) return pending;
    const auto count = static_cast<std::size_t>(n);
    const std::size_t needed = 1024 + count * (sizeof(Key) + sizeof(Value));
    if (!temporary) {
      temporary_bytes = needed;
      return cudaSuccess;
    }
    if (n < 0 || begin_bit < 0 || end_bit < begin_bit || end_bit > static_cast<int>(sizeof(Key) * 8) ||
        temporary_bytes < needed)
      return cudaErrorInvalidValue;
    if (count == 0) return cudaSuccess;
    const void* const addresses[4] = {keys, values, sorted_keys, sorted_values};
    const std::size_t bytes[4] = {count * sizeof(Key), count * sizeof(Value), count * sizeof(Key),
                                  count * sizeof(Value)};
    mininmt::emulation::host::check_sort(temporary, temporary_bytes, addresses, bytes);
    return mininmt::emulation::host::queue_sort(
        temporary, temporary_bytes,
        [=] {
          mininmt::emulation::host::sort_pairs(keys, sorted_keys, values, sorted_values, count, begin_bit,
                                               end_bit);
        },
        stream);
  }
};

}  // namespace cub
