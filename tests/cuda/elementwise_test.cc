// Elementwise operations against the same formula in long double.
#include <cstring>
#include <functional>
#include <string>

#include "cuda/kernels.h"
#include "tensor/elementwise.h"
#include "tests/cuda/compare.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

// The last uses wide accesses on any GPU, with a remainder.
const std::vector<std::int64_t> kSizes = {1, 31, 33, 1000, 1023, 300003};

bool same_bits(const Reals& x, const Reals& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(real)) == 0;
}

struct Map {
  std::string name;
  std::function<void(std::int64_t n, const real* a, const real* b, real* y)> launch;
  std::function<Exact(Exact a, Exact b, Exact y)> value;
  bool adds = false;  // y is read
};

// A function of the list, and its gradient from what backward keeps.
template <class F>
void add_function(const ElementwiseRow& row, std::vector<Map>& maps) {
  maps.push_back({row.name, [](auto n, auto x, auto, auto y) { cuda::elementwise(number_of<F>(), n, x, y); },
                  [f = row.value](auto x, auto, auto) { return f(x); }});
  maps.push_back({row.name + ", gradient",
                  [](auto n, auto x, auto dy, auto dx) {
                    const std::int64_t offset = reinterpret_cast<std::uintptr_t>(x) % 16 / sizeof(real);
                    const Tensor y({offset + n}, cuda::memory());
                    if (kFromOutput<F>) cuda::elementwise(number_of<F>(), n, x, y.data() + offset);
                    const real* const kept = kFromOutput<F> ? y.data() + offset : x;
                    cuda::add_elementwise_gradient(number_of<F>(), n, kept, dy, dx);
                  },
                  [f = row.slope](auto x, auto dy, auto dx) { return dx + dy * f(x); }, true});
}

std::vector<Map> all_maps() {
  std::vector<Map> all = {
      {"fill", [](auto n, auto, auto, auto y) { cuda::fill(n, 0.75, y); },
       [](auto, auto, auto) { return 0.75L; }},
      {"add", cuda::add, [](auto a, auto b, auto) { return a + b; }},
      {"multiply", cuda::multiply, [](auto a, auto b, auto) { return a * b; }},
      {"add_product", cuda::add_product, [](auto a, auto b, auto y) { return y + a * b; }, true},
      {"add_to", [](auto n, auto a, auto, auto y) { cuda::add_to(n, a, y); },
       [](auto a, auto, auto y) { return y + a; }, true},
      {"scale", [](auto n, auto a, auto, auto y) { cuda::scale(n, -1.5, a, y); },
       [](auto a, auto, auto) { return -1.5L * a; }},
      {"add_scaled", [](auto n, auto a, auto, auto y) { cuda::add_scaled(n, -1.5, a, y); },
       [](auto a, auto, auto y) { return y - 1.5L * a; }, true},
  };
  auto row = elementwise_rows().begin();
  for_functions([&](auto f) { add_function<decltype(f)>(*row++, all); });
  return all;
}

const std::vector<Map>& maps() {
  static const std::vector<Map> all = all_maps();
  return all;
}

// Each element is correct to a few roundings, relative to itself or 1.
void check_elements(const Reals& result, const std::vector<Exact>& exact) {
  REQUIRE(result.size() == exact.size());
  const Exact unit = 16 * Exact{std::numeric_limits<real>::epsilon()};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < result.size(); ++i)
    if (!(std::abs(result[i] - exact[i]) <= unit * std::max<Exact>(1, std::abs(exact[i])))) ++wrong;
  CHECK(wrong == 0);
}

// All arrays start `offset` elements after their allocation, and have elements after the n.
void check_map(const Map& map, std::int64_t n, std::int64_t offset) {
  INFO(map.name << ", n " << n << ", offset " << offset);
  const std::int64_t size = offset + n + 4;
  const Reals a = random_reals(size, 1, 3), b = random_reals(size, 2), y = random_reals(size, 3);
  const Tensor a_there = on_device(a), b_there = on_device(b);
  const Tensor y_there = map.adds ? on_device(y) : poisoned(size);
  const Reals before = on_host(y_there);
  map.launch(n, a_there.data() + offset, b_there.data() + offset, y_there.data() + offset);
  std::vector<Exact> exact;
  for (std::int64_t i = offset; i < n + offset; ++i) exact.push_back(map.value(a[i], b[i], y[i]));
  const Reals result = on_host(y_there);
  check_elements({result.begin() + offset, result.begin() + offset + n}, exact);
  CHECK(same_bits({result.end() - 4, result.end()}, {before.end() - 4, before.end()}));
}

}  // namespace

TEST_CASE("maps: every size, aligned and not") {
  for (const Map& map : maps())
    for (std::int64_t n : kSizes)
      for (std::int64_t offset : {0, 1}) check_map(map, n, offset);
}

TEST_CASE("maps: nothing to do") {
  for (const Map& map : maps()) map.launch(0, nullptr, nullptr, nullptr);
  cuda::maxout(0, nullptr, nullptr);
  cuda::dropout(0, 0.5, Random{}, nullptr, nullptr, false);
  cuda::synchronize();
}

TEST_CASE("maps: y may be x") {
  const Reals x = random_reals(10001, 4);
  for_functions([&](auto f) {
    const std::size_t number = number_of<decltype(f)>();
    const Tensor apart = poisoned(count_of(x)), in_place = on_device(x);
    cuda::elementwise(number, count_of(x), on_device(x).data(), apart.data());
    cuda::elementwise(number, count_of(x), in_place.data(), in_place.data());
    CHECK(same_bits(on_host(apart), on_host(in_place)));
  });
}

TEST_CASE("maps: a NaN and an infinity show where they are, and only there") {
  for (const Map& map : maps()) {
    if (map.name == "fill") continue;
    INFO(map.name);
    Reals a(10000, 1), b(10000, 1);
    a[5] = kNan;
    a[7000] = kInfinity;
    b[7000] = 0.5;
    const Tensor a_there = on_device(a), b_there = on_device(b), y = on_device(Reals(10000, 1));
    map.launch(10000, a_there.data(), b_there.data(), y.data());
    const Reals result = on_host(y);
    const Exact at_infinity = map.value(a[7000], b[7000], 1);
    CHECK(std::isnan(result[5]));
    if (std::isfinite(at_infinity))
      CHECK(result[7000] == doctest::Approx(static_cast<double>(at_infinity)));
    else
      CHECK(!std::isfinite(result[7000]));
    CHECK(std::count_if(result.begin(), result.end(), [](real v) { return !std::isfinite(v); }) ==
          (std::isfinite(at_infinity) ? 1 : 2));
  }
}

TEST_CASE("add_number: a number that lies on the device") {
  const Reals y = random_reals(1000, 5);
  const Tensor number = on_device({0.25}), y_there = on_device(y);
  cuda::add_number(1000, number.data(), y_there.data());
  std::vector<Exact> exact;
  for (real v : y) exact.push_back(v + 0.25L);
  check_elements(on_host(y_there), exact);
}

TEST_CASE(
    "maxout: the larger of each pair, the first of equal ones, a NaN in either; its gradient goes there") {
  for (std::int64_t n : {1, 31, 33, 1000, 1023, 300000}) {
    for (std::int64_t offset : {0, 1}) {
      INFO("n " << n << ", offset " << offset);
      Reals x = random_reals(2 * n + offset, 1), dy = random_reals(n + offset, 2),
            dx = random_reals(2 * n + offset, 3);
      for (std::int64_t i = 3; i < n; i += 7) x[offset + 2 * i + 1] = x[offset + 2 * i];
      for (std::int64_t i = 5; i < n; i += 501) x[offset + 2 * i + i % 2] = kNan;
      const Tensor x_there = on_device(x), dy_there = on_device(dy), dx_there = on_device(dx);
      const Tensor y_there = poisoned(n + offset);
      cuda::maxout(n, x_there.data() + offset, y_there.data() + offset);
      cuda::add_maxout_gradient(n, x_there.data() + offset, dy_there.data() + offset,
                                dx_there.data() + offset);
      const Reals y = on_host(y_there);
      std::size_t wrong = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const real first = x[offset + 2 * i], second = x[offset + 2 * i + 1];
        const bool takes_second = second > first || std::isnan(second);
        if (std::isnan(first) || std::isnan(second))
          wrong += !std::isnan(y[offset + i]);
        else
          wrong += y[offset + i] != std::max(first, second);
        dx[offset + 2 * i + (takes_second ? 1 : 0)] += dy[offset + i];
      }
      CHECK(wrong == 0);
      CHECK(same_bits(on_host(dx_there), dx));
    }
  }
}

TEST_CASE("dropout: keeps what the sequence of the host keeps, at every size, aligned or not") {
  const Random random{11, 12};
  for (std::int64_t n : kSizes) {
    for (std::int64_t offset : {0, 1}) {
      INFO("n " << n << ", offset " << offset);
      const Reals x = random_reals(n + offset, 1), sum = random_reals(n + offset, 2);
      const Tensor x_there = on_device(x), set = poisoned(n + offset), added = on_device(sum);
      cuda::dropout(n, 0.3, random, x_there.data() + offset, set.data() + offset, false);
      cuda::dropout(n, 0.3, random, x_there.data() + offset, added.data() + offset, true);
      const Reals y = on_host(set), y_added = on_host(added);
      std::size_t wrong = 0, kept = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const bool keep = random.bits(static_cast<std::uint64_t>(i)) / 0x1p32 >= 0.3;
        const Exact exact = keep ? x[offset + i] / 0.7L : 0;
        const Exact unit = 4 * Exact{std::numeric_limits<real>::epsilon()} * (1 + std::abs(exact));
        kept += keep;
        wrong += !(std::abs(y[offset + i] - exact) <= unit);
        wrong += !(std::abs(y_added[offset + i] - (sum[offset + i] + exact)) <= 4 * unit);
      }
      CHECK(wrong == 0);
      if (n > 10000)
        CHECK(static_cast<double>(kept) / static_cast<double>(n) == doctest::Approx(0.7).epsilon(0.01));
    }
  }
}

TEST_CASE("dropout: what is captured once draws other numbers each time that `later` is another") {
  const std::int64_t n = 1000;
  const Tensor ones = on_device(Reals(n, 1)), y = poisoned(n);
  auto* const later = static_cast<std::uint64_t*>(cuda::memory().allocate(sizeof(std::uint64_t)));
  const auto send = [&](std::uint64_t value) { cuda::memory().from_host(later, &value, sizeof value); };
  const auto draw = [&] { cuda::dropout(n, 0.5, Draws(3, 40, later), ones.data(), y.data(), false); };
  const auto expected = [&](std::uint64_t stream) {
    const Tensor z = poisoned(n);
    cuda::dropout(n, 0.5, Random{3, stream}, ones.data(), z.data(), false);
    return on_host(z);
  };
  send(0);
  draw();
  CHECK(same_bits(on_host(y), expected(40)));
  const cuda::Graph graph(draw);
  for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{1} << 33}) {
    send(value);
    graph.run();
    CHECK(same_bits(on_host(y), expected(40 + value)));
  }
  CHECK(!same_bits(expected(40), expected(42)));
  cuda::memory().release(later, sizeof(std::uint64_t));
}

}  // namespace mininmt
