// Rows and columns against plain loops. Operations that only move numbers must be exact to the bit.
#include <cstring>
#include <string>

#include "cuda/kernels.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

bool same_bits(const Reals& x, const Reals& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(real)) == 0;
}

struct Size {
  std::int64_t rows, n;
};

// y += the sum of the rows, in T, in order.
template <class T>
std::vector<T> sum_plainly(Size size, const Reals& x, const Reals& y) {
  std::vector<T> sum(y.begin(), y.end());
  for (std::int64_t i = 0; i < size.rows * size.n; ++i) sum[i % size.n] += x[i];
  return sum;
}

void check_copy_columns(Size size, std::int64_t x_stride, std::int64_t y_stride, std::int64_t offset,
                        bool add) {
  INFO("rows " << size.rows << ", width " << size.n << ", strides " << x_stride << ", " << y_stride
               << ", offset " << offset << ", add " << add);
  const Reals x = random_reals(size.rows * x_stride + offset, 1);
  Reals y(static_cast<std::size_t>(size.rows * y_stride + offset), kNan);
  const Reals before = random_reals(count_of(y), 2);
  for (std::int64_t r = 0; add && r < size.rows; ++r)
    for (std::int64_t c = 0; c < size.n; ++c) {
      const std::int64_t at = offset + r * y_stride + c;
      y[at] = before[at];
    }
  const Tensor x_there = on_device(x), y_there = on_device(y);
  cuda::copy_columns(size.rows, size.n, x_there.data() + offset, x_stride, y_there.data() + offset, y_stride,
                     add);
  for (std::int64_t r = 0; r < size.rows; ++r)
    for (std::int64_t c = 0; c < size.n; ++c) {
      const real value = x[offset + r * x_stride + c];
      real& to = y[offset + r * y_stride + c];
      to = add ? to + value : value;
    }
  CHECK(same_bits(on_host(y_there), y));  // including the NaN next to the columns
}

}  // namespace

TEST_CASE("spread_over_rows: x in each row, set and added") {
  for (const Size& size :
       {Size{1, 1}, {1000, 1}, {7, 31}, {33, 1023}, {1, 1000}, {100, 3000}, {3000, 100}, {3001, 102}}) {
    const std::int64_t rows = size.rows, n = size.n;
    INFO("rows " << rows << ", n " << n);
    const Reals x = random_reals(n, 1), before = random_reals(rows * n, 2);
    Reals set(before.size()), added = before;
    for (std::size_t i = 0; i < set.size(); ++i) {
      set[i] = x[i % n];
      added[i] += x[i % n];
    }
    const Tensor x_there = on_device(x), y_set = poisoned(rows * n), y_added = on_device(before);
    cuda::spread_over_rows(rows, n, x_there.data(), y_set.data(), false);
    cuda::spread_over_rows(rows, n, x_there.data(), y_added.data(), true);
    CHECK(same_bits(on_host(y_set), set));
    CHECK(same_bits(on_host(y_added), added));
  }
}

TEST_CASE("add_sum_of_rows: few and many rows, few and many columns, and the same bits again") {
  for (const Size& size : {Size{1, 1},
                           {31, 33},
                           {1000, 31},
                           {1023, 1},
                           {100000, 1},
                           {30011, 3},
                           {80, 1000},
                           {300, 1023},
                           {2, 30001},
                           {2000, 300},
                           {5, 4}}) {
    INFO("rows " << size.rows << ", n " << size.n);
    const Reals x = random_reals(size.rows * size.n, 1), y = random_reals(size.n, 2);
    const Tensor x_there = on_device(x), once = on_device(y), again = on_device(y);
    cuda::add_sum_of_rows(size.rows, size.n, x_there.data(), once.data());
    cuda::add_sum_of_rows(size.rows, size.n, x_there.data(), again.data());
    check_close("sum", on_host(once), sum_plainly<real>(size, x, y), sum_plainly<Exact>(size, x, y));
    CHECK(same_bits(on_host(once), on_host(again)));
  }
}

TEST_CASE("add_sum_of_rows: rows that do not begin at 16 bytes; a NaN stays in its column") {
  const Size size{500, 64};
  Reals x = random_reals(size.rows * size.n + 1, 1), y = random_reals(size.n + 1, 2);
  x[1 + 499 * 64 + 7] = kNan;
  const Tensor x_there = on_device(x), y_there = on_device(y);
  cuda::add_sum_of_rows(size.rows, size.n, x_there.data() + 1, y_there.data() + 1);
  const auto exact = sum_plainly<Exact>(size, {x.begin() + 1, x.end()}, {y.begin() + 1, y.end()});
  const Reals result = on_host(y_there);
  CHECK(result[0] == y[0]);
  for (std::int64_t c = 0; c < size.n; ++c) {
    if (c == 7)
      CHECK(std::isnan(result[8]));
    else
      CHECK(result[c + 1] == doctest::Approx(static_cast<double>(exact[c])).epsilon(1e-4));
  }
}

TEST_CASE("sum: as exact as a sum in double, rounded once") {
  for (std::int64_t n : {0, 1, 31, 33, 1000, 1023, 2048, 2049, 100000}) {
    INFO("n " << n);
    const Reals x = random_reals(n, 1);
    Exact exact = 0;
    for (real v : x) exact += v;
    const Tensor x_there = n > 0 ? on_device(x) : poisoned(1), y = poisoned(1);
    cuda::sum(n, x_there.data(), y.data());
    CHECK(on_host(y)[0] == doctest::Approx(static_cast<double>(exact)).epsilon(1e-7));
  }
  Reals x(5000, 1);
  x[4999] = kInfinity;
  const Tensor y = poisoned(1);
  cuda::sum(5000, on_device(x).data(), y.data());
  CHECK(on_host(y)[0] == kInfinity);
}

TEST_CASE("copy_columns: strides, set and added, nothing beside the columns") {
  for (bool add : {false, true}) {
    check_copy_columns({1, 1}, 1, 1, 0, add);
    check_copy_columns({1, 1}, 5, 3, 2, add);
    check_copy_columns({33, 31}, 31, 64, 0, add);
    check_copy_columns({1000, 3}, 7, 4, 1, add);
    check_copy_columns({300, 1000}, 3000, 1000, 0, add);  // 16-byte accesses
    check_copy_columns({300, 1000}, 1000, 2000, 0, add);  // the same
    check_copy_columns({300, 1000}, 3001, 1000, 0, add);  // not: rows of x are unaligned
    check_copy_columns({300, 1000}, 3000, 1002, 0, add);  // not: rows of y are unaligned
    check_copy_columns({300, 1002}, 3000, 1004, 0, add);  // not: a remainder in each row
    check_copy_columns({300, 1000}, 3000, 1000, 1, add);  // not: all pointers are unaligned
  }
}

TEST_CASE("join_blocks and split_blocks: one after another and back, more than one launch takes") {
  struct Case {
    std::int64_t blocks, rows, width, x_stride, offset;
  };
  const Case cases[] = {{1, 1, 1, 1, 0},    {3, 31, 33, 40, 0},   {128, 2, 5, 5, 1},   {129, 1, 100, 104, 0},
                        {300, 3, 8, 16, 0}, {5, 80, 100, 300, 0}, {5, 80, 100, 300, 1}};
  for (const Case& c : cases) {
    const std::int64_t blocks = c.blocks, rows = c.rows, width = c.width;
    const std::int64_t x_stride = c.x_stride, offset = c.offset;
    INFO("blocks " << blocks << ", rows " << rows << ", width " << width << ", x_stride " << x_stride
                   << ", offset " << offset);
    std::vector<Tensor> sources, targets, sums;
    std::vector<const real*> from;
    std::vector<real*> to, to_sums;
    Reals joined;
    const std::int64_t size = rows * width;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const Reals x = random_reals(rows * x_stride + offset, static_cast<std::uint64_t>(b));
      sources.push_back(on_device(x));
      targets.push_back(poisoned(size + offset));
      sums.push_back(on_device(Reals(static_cast<std::size_t>(size + offset), static_cast<real>(b))));
      from.push_back(sources.back().data() + offset);
      to.push_back(targets.back().data() + offset);
      to_sums.push_back(sums.back().data() + offset);
      for (std::int64_t r = 0; r < rows; ++r)
        joined.insert(joined.end(), x.begin() + offset + r * x_stride,
                      x.begin() + offset + r * x_stride + width);
    }
    const Tensor y = poisoned(blocks * size);
    cuda::join_blocks(from, rows, width, x_stride, y.data());
    CHECK(same_bits(on_host(y), joined));
    cuda::split_blocks(to, size, y.data(), false);
    cuda::split_blocks(to_sums, size, y.data(), true);
    Reals split, split_sums, expected_sums;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const Reals part = on_host(targets[b]), sum = on_host(sums[b]);
      split.insert(split.end(), part.begin() + offset, part.end());
      split_sums.insert(split_sums.end(), sum.begin() + offset, sum.end());
      for (std::int64_t i = 0; i < size; ++i)
        expected_sums.push_back(static_cast<real>(b) + joined[b * size + i]);
    }
    CHECK(same_bits(split, joined));
    CHECK(same_bits(split_sums, expected_sums));
  }
}

TEST_CASE("rows: nothing to do") {
  const Tensor y = on_device({1, 2, 3});
  cuda::spread_over_rows(0, 3, y.data(), nullptr, true);
  cuda::add_sum_of_rows(0, 3, nullptr, y.data());
  cuda::copy_columns(0, 3, nullptr, 3, y.data(), 3, false);
  cuda::copy_columns(3, 0, nullptr, 3, y.data(), 3, false);
  cuda::join_blocks({}, 3, 3, 3, y.data());
  cuda::split_blocks({}, 3, y.data(), false);
  CHECK(on_host(y) == Reals{1, 2, 3});
}

}  // namespace mininmt
