#include "tensor/pool.h"

#include <algorithm>
#include <bit>
#include <new>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kAlignment = 64;

// Class c holds blocks of (4 + c % 4) * 2^(c / 4) cache lines: 256, 320, 384, 448, 512, 640, ... bytes.
std::size_t class_bytes(int c) { return ((std::size_t{4} + c % 4) << (c / 4)) * kAlignment; }

}  // namespace

int Pool::class_of(std::size_t bytes) const {
  if (bytes > std::size_t{1} << 62) throw Error(join("out of memory: ", bytes, " bytes were asked for"));
  if (bytes > coarse_) bytes = std::bit_ceil(bytes);
  const std::size_t lines = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 4);
  const int octave = std::bit_width(lines) - 3;
  const std::size_t quarters = (lines + (std::size_t{1} << octave) - 1) >> octave;  // 4 .. 8
  return octave * 4 + static_cast<int>(quarters) - 4;
}

void* Pool::allocate(std::size_t bytes) {
  const int c = class_of(bytes);
  const std::size_t size = class_bytes(c);
  void* block = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (!free_[c].empty()) {
      block = free_[c].back();
      free_[c].pop_back();
      in_use_ += size;
    }
  }
  if (!block) {
    block = from_system(size);
    if (!block && trims_) {
      trim();
      block = from_system(size);
    }
    if (!block)
      throw Error(join("out of memory: ", size >> 20, " MiB more were asked for, ", reserved() >> 20,
                       " MiB are held; smaller minibatches or shorter sentences need less"));
    std::lock_guard lock(mutex_);
    in_use_ += size;
    reserved_ += size;
  }
  if (poison_) poison(block, size);
  return block;
}

void Pool::release(void* block, std::size_t bytes) noexcept {
  const int c = class_of(bytes);
  std::lock_guard lock(mutex_);
  in_use_ -= class_bytes(c);
  try {
    free_[c].push_back(block);
  } catch (const std::bad_alloc&) {
    to_system(block);
    reserved_ -= class_bytes(c);
  }
}

void Pool::trim() noexcept {
  std::lock_guard lock(mutex_);
  for (int c = 0; c < kClasses; ++c) {
    for (void* block : free_[c]) to_system(block);
    reserved_ -= free_[c].size() * class_bytes(c);
    free_[c].clear();
  }
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
