// Gather and scatter-add against plain loops.
#include <cstring>
#include <string>

#include "cuda/kernels.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

using List = std::vector<std::int32_t>;

bool same_bits(const Reals& x, const Reals& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(real)) == 0;
}

struct Problem {
  std::string name;
  List index;
  std::int64_t n, indices;
};

// Word frequencies as in text: the first word a third of the time, the second a sixth, ...; some positions
// have none.
List text(std::int64_t count, std::int32_t words) {
  const Random random{5, 6};
  List index;
  for (std::int64_t i = 0; i < count; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    index.push_back(u < 0.1 ? kNone : static_cast<std::int32_t>(words * std::pow(u, 6)));
  }
  return index;
}

template <class T>
std::vector<T> scatter_plainly(const Problem& p, const Reals& x, const Reals& y) {
  std::vector<T> sum(y.begin(), y.end());
  for (std::size_t i = 0; i < p.index.size(); ++i)
    for (std::int64_t c = 0; p.index[i] >= 0 && c < p.n; ++c)
      sum[p.index[i] * p.n + c] += x[static_cast<std::int64_t>(i) * p.n + c];
  return sum;
}

Reals scatter(const Problem& p, const Reals& x, const Reals& y, bool distinct) {
  const Tensor x_there = on_device(x), y_there = on_device(y);
  cuda::scatter_add_rows(static_cast<std::int64_t>(p.index.size()), p.n, Indices(p.index).in(cuda::memory()),
                         x_there.data(), y_there.data(), distinct, p.indices);
  return on_host(y_there);
}

std::vector<Problem> problems() {
  List alternating, blocks;
  for (int i = 0; i < 200; ++i) alternating.push_back(i % 2 == 0 ? 3 : 1);
  for (int i = 0; i < 320; ++i) blocks.push_back(i / 32);  // each run is a whole group of the sorted list
  return {{"one row", {2}, 31, 3},
          {"one row of none", {kNone}, 31, 3},
          {"all of one word", List(1000, 4), 33, 5},
          {"all of one word, wide rows", List(77, 0), 1000, 1},
          {"one more than a group", List(33, 0), 1, 1},
          {"nothing but none", List(100, kNone), 33, 5},
          {"two words", alternating, 40, 4},
          {"ten words, 32 times each", blocks, 31, 10},
          {"text", text(1023, 100), 33, 100},
          {"text, wide rows", text(500, 64), 620, 64},
          {"text, rows of one number", text(4000, 30000), 1, 30000},
          {"text, many words", text(200, 100003), 8, 100003}};
}

}  // namespace

TEST_CASE("gather_rows: rows by index, zeros where there is none") {
  for (std::int64_t n : {1, 31, 33, 620, 1023}) {
    INFO("n " << n);
    const std::int64_t words = 50;
    const List index = text(500, words);
    const Reals x = random_reals(words * n, 1);
    const Tensor x_there = on_device(x), y = poisoned(500 * n);
    cuda::gather_rows(500, n, Indices(index).in(cuda::memory()), x_there.data(), y.data());
    Reals expected;
    for (std::int32_t i : index)
      for (std::int64_t c = 0; c < n; ++c) expected.push_back(i < 0 ? 0 : x[i * n + c]);
    CHECK(same_bits(on_host(y), expected));
  }
}

TEST_CASE("scatter_add_rows: words that repeat, and the same bits again") {
  for (const Problem& p : problems()) {
    INFO(p.name);
    const Reals x = random_reals(static_cast<std::int64_t>(p.index.size()) * p.n, 1);
    const Reals y = random_reals(p.indices * p.n, 2);
    const Reals once = scatter(p, x, y, false);
    check_close(p.name, once, scatter_plainly<real>(p, x, y), scatter_plainly<Exact>(p, x, y));
    CHECK(same_bits(once, scatter(p, x, y, false)));
  }
}

TEST_CASE("scatter_add_rows: rows of no word do nothing, a NaN stays in its row and column") {
  Problem p{"", text(500, 20), 33, 20};
  Reals x = random_reals(500 * 33, 1);
  const Reals y = random_reals(20 * 33, 2);
  std::size_t place = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    if (p.index[i] < 0) std::fill_n(x.begin() + static_cast<std::int64_t>(i) * 33, 33, kNan);
    if (p.index[i] == 7) place = i;
  }
  x[place * 33 + 5] = kNan;
  const Reals result = scatter(p, x, y, false);
  for (std::size_t i = 0; i < result.size(); ++i) {
    INFO("element " << i);
    CHECK(std::isnan(result[i]) == (i == 7 * 33 + 5));
  }
}

TEST_CASE("scatter_add_rows: rows that no word names keep their bits, distinct words add theirs") {
  for (std::int64_t n : {1, 31, 33, 1000}) {
    for (bool distinct : {false, true}) {
      INFO("n " << n << ", distinct " << distinct);
      const Problem p{"", {9, kNone, 4, 0, 39, kNone, 17, 16, 30, 2}, n, 40};
      const Reals x = random_reals(10 * n, 1), y = random_reals(40 * n, 2);
      CHECK(same_bits(scatter(p, x, y, distinct), scatter_plainly<real>(p, x, y)));
    }
  }
}

TEST_CASE("scatter_add_rows: a graph of it runs again, with other words") {
  const Problem first{"", text(300, 50), 64, 50};
  Problem second = first;
  std::reverse(second.index.begin(), second.index.end());
  const Reals x = random_reals(300 * 64, 1), y = random_reals(50 * 64, 2);
  const Tensor x_there = on_device(x), y_there = on_device(y);
  const Indices index(first.index);
  const std::int32_t* const index_there = index.in(cuda::memory());
  const auto work = [&] {
    cuda::scatter_add_rows(300, 64, index_there, x_there.data(), y_there.data(), false, 50);
  };
  work();
  const cuda::Graph graph(work);
  y_there.set(Tensor::from({count_of(y)}, y));
  index.replace(second.index);
  graph.run();
  CHECK(same_bits(on_host(y_there), scatter(second, x, y, false)));
}

TEST_CASE("rows by index: nothing to do") {
  const Tensor y = on_device({1, 2, 3});
  cuda::gather_rows(0, 3, nullptr, nullptr, y.data());
  cuda::scatter_add_rows(0, 3, nullptr, nullptr, y.data(), false, 1);
  cuda::scatter_add_rows(0, 3, nullptr, nullptr, y.data(), true, 1);
  CHECK(on_host(y) == Reals{1, 2, 3});
}

}  // namespace mininmt
