#include "tensor/pool.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kAlignment = 64;

// Class c holds blocks of (4 + c % 4) * 2^(c / 4) cache lines: 256, 320, 384, 448, 512, 640, ... bytes.
std::size_t class_bytes(int c) { return ((std::size_t{4} + c % 4) << (c / 4)) * kAlignment; }

int class_of(std::size_t bytes) {
  if (bytes > std::size_t{1} << 62)
    throw OutOfMemory(join("out of memory: ", bytes, " bytes were asked for"));
  const std::size_t lines = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 4);
  const int octave = std::bit_width(lines) - 3;
  const std::size_t quarters = (lines + (std::size_t{1} << octave) - 1) >> octave;  // 4 .. 8
  return octave * 4 + static_cast<int>(quarters) - 4;
}

constexpr int kLarge = 12 * 4;              // the class of a MiB
constexpr int kTwice = 4;                   // this many classes on, a block is twice as large
constexpr std::uint64_t kWindow = 1 << 13;  // allocations: some ten updates of a small model

}  // namespace

void* Pool::allocate(std::size_t bytes) {
  const int c = class_of(bytes);
  void* block = take_free(c);
  if (!block) block = take_new(c);
  if (poison_) poison(block, class_bytes(c));
  return block;
}

void* Pool::take_free(int c) {
  std::lock_guard lock(mutex_);
  const bool counted = keep_ == Keep::kBounded && c >= kLarge;
  for (int k = c; k <= (counted ? c + kTwice : c); ++k) {
    if (free_[k].empty()) continue;
    void* const block = free_[k].back().block;
    if (counted) large_.emplace(block, k);
    free_[k].pop_back();
    add_in_use(class_bytes(k));
    return block;
  }
  return nullptr;
}

void* Pool::take_new(int c) {
  const std::size_t size = class_bytes(c);
  if (keep_ == Keep::kBounded) {
    std::lock_guard lock(mutex_);
    give_back_beyond(limit(size) - size);
  }
  void* block = from_system(size);
  if (!block && keep_ != Keep::kAlways) {
    trim();
    block = from_system(size);
  }
  if (!block)
    throw OutOfMemory(join("out of memory: ", format_bytes(size), " more were asked for, ",
                           format_bytes(reserved()), " are held"));
  std::lock_guard lock(mutex_);
  try {
    if (keep_ == Keep::kBounded && c >= kLarge) large_.emplace(block, c);
  } catch (const std::bad_alloc&) {
    to_system(block, size);
    throw;
  }
  reserved_ += size;
  add_in_use(size);
  return block;
}

void Pool::add_in_use(std::size_t size) {
  in_use_ += size;
  most_now_ = std::max(most_now_, in_use_);
  if (++handed_out_ % kWindow != 0) return;
  most_before_ = std::exchange(most_now_, in_use_);
  if (keep_ == Keep::kBounded) give_back_beyond(limit(0));
}

// The limit on bytes held, with `coming` more bytes in use.
std::size_t Pool::limit(std::size_t coming) const {
  const std::size_t most = std::max({most_now_, most_before_, in_use_ + coming});
  return most + most / 3;
}

// Only large blocks: small ones come from the heap, which would not return them to the system.
void Pool::give_back_beyond(std::size_t most) noexcept {
  while (reserved_ > most) {
    int oldest = -1;
    for (int c = kLarge; c < kClasses; ++c)
      if (!free_[c].empty() && (oldest < 0 || free_[c][0].since < free_[oldest][0].since)) oldest = c;
    if (oldest < 0) return;
    give_back(oldest, 0);
  }
}

void Pool::give_back(int c, std::size_t i) noexcept {
  to_system(free_[c][i].block, class_bytes(c));
  free_[c].erase(free_[c].begin() + static_cast<std::ptrdiff_t>(i));
  reserved_ -= class_bytes(c);
}

void Pool::release(void* block, std::size_t bytes) noexcept {
  std::lock_guard lock(mutex_);
  int c = class_of(bytes);
  if (const auto known = large_.find(block); known != large_.end()) {
    c = known->second;
    large_.erase(known);
  }
  in_use_ -= class_bytes(c);
  try {
    free_[c].push_back({block, handed_out_});
  } catch (const std::bad_alloc&) {
    to_system(block, class_bytes(c));
    reserved_ -= class_bytes(c);
  }
}

void Pool::trim() noexcept {
  std::lock_guard lock(mutex_);
  for (int c = 0; c < kClasses; ++c)
    for (std::size_t i = free_[c].size(); i-- > 0;)
      if (!must_stay(free_[c][i].block)) give_back(c, i);
}

std::size_t Pool::spare() const {
  std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (int c = 0; c < kClasses; ++c)
    for (const Free& free : free_[c])
      if (!must_stay(free.block)) bytes += class_bytes(c);
  return bytes;
}

std::size_t Pool::in_use() const {
  std::lock_guard lock(mutex_);
  return in_use_;
}

std::size_t Pool::reserved() const {
  std::lock_guard lock(mutex_);
  return reserved_;
}

void Pool::set_poison(bool on) { poison_ = on; }

}  // namespace mininmt
