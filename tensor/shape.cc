#include "tensor/shape.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {

Shape::Shape(std::initializer_list<std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  if (dims.size() > kMaxRank) throw Error(join("[Shape] at most 4 dimensions, got ", dims.size()));
  std::copy(dims.begin(), dims.end(), dims_.begin());
  checked();
}

// This shape, after checking its number of elements.
Shape Shape::checked() const {
  std::int64_t n = 1;
  for (int i = 0; i < rank_; ++i) {
    if (dims_[i] < 0) throw Error("[Shape] negative dimension in " + to_string());
    if (__builtin_mul_overflow(n, std::max<std::int64_t>(dims_[i], 1), &n) || n > std::int64_t{1} << 60)
      throw Error("[Shape] too many elements in " + to_string());
  }
  return *this;
}

std::int64_t Shape::size() const {
  std::int64_t n = 1;
  for (int i = 0; i < rank_; ++i) n *= dims_[i];
  return n;
}

std::int64_t Shape::operator[](int axis) const {
  const int i = axis < 0 ? axis + rank_ : axis;
  if (i < 0 || i >= rank_) throw Error(join("[Shape] axis ", axis, " of ", to_string()));
  return dims_[i];
}

std::int64_t Shape::row_size() const {
  std::int64_t n = 1;
  for (int i = 1; i < rank_; ++i) n *= dims_[i];
  return n;
}

std::int64_t Shape::rows() const {
  std::int64_t n = 1;
  for (int i = 0; i + 1 < rank_; ++i) n *= dims_[i];
  return n;
}

Shape Shape::with_first(std::int64_t extent) const {
  Shape result = *this;
  if (rank_ == 0) throw Error("[Shape] a scalar has no first dimension");
  result.dims_[0] = extent;
  return result.checked();
}

Shape Shape::prepend(std::int64_t extent) const {
  if (rank_ == kMaxRank) throw Error("[Shape] no room for a fifth dimension before " + to_string());
  Shape result;
  result.rank_ = rank_ + 1;
  result.dims_[0] = extent;
  std::copy(dims_.begin(), dims_.begin() + rank_, result.dims_.begin() + 1);
  return result.checked();
}

Shape Shape::without_first() const {
  if (rank_ == 0) throw Error("[Shape] a scalar has no first dimension");
  Shape result;
  result.rank_ = rank_ - 1;
  std::copy(dims_.begin() + 1, dims_.begin() + rank_, result.dims_.begin());
  return result;
}

Shape Shape::with_last(std::int64_t extent) const {
  Shape result = *this;
  if (rank_ == 0) throw Error("[Shape] a scalar has no last dimension");
  result.dims_[rank_ - 1] = extent;
  return result.checked();
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string(dims_[i]);
  return text + ")";
}

}  // namespace mininmt
