// The dimensions of a tensor: at most four, row-major.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace mininmt {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;  // a scalar: rank 0, one element
  // Throws Error for more than four dimensions, a negative one, or more than 2^60 elements.
  Shape(std::initializer_list<std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t size() const;                    // number of elements
  std::int64_t operator[](int axis) const;      // a negative axis counts from the end: [-1] is the last
  std::int64_t row_size() const;                // elements in one slice of the first axis
  std::int64_t rows() const;                    // size of all axes but the last: the rows of the matrix view
  Shape with_first(std::int64_t extent) const;  // the same with a different first extent
  Shape prepend(std::int64_t extent) const;     // the shape of `extent` stacked tensors
  Shape without_first() const;                  // the shape of one slice of the first axis
  Shape with_last(std::int64_t extent) const;   // the same with a different last extent
  bool operator==(const Shape&) const = default;
  std::string to_string() const;  // "(7, 80, 256)"

 private:
  Shape checked() const;

  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace mininmt
