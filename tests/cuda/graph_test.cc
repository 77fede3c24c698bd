// Captured graphs, their memory, and asynchronous readback.
#include <doctest/doctest.h>

#include <stdexcept>

#include "cuda/kernels.h"
#include "ops/elementwise.h"
#include "tensor/error.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

constexpr std::int64_t kCount = 1023;

Tensor filled(real value, std::int64_t count = kCount) {
  const Tensor x({count}, cuda::memory());
  x.fill(value);
  return x;
}

bool all_are(const Tensor& x, real value) {
  const Reals host = on_host(x);
  return std::all_of(host.begin(), host.end(), [&](real v) { return v == value; });
}

TEST_CASE("a graph is run as often as asked, and reads what is there then") {
  const Tensor x = filled(1), y = filled(0);
  const cuda::Graph graph([&] { cuda::add_scaled(kCount, 2, x.data(), y.data()); });
  CHECK(graph.nodes() == 1);
  CHECK(all_are(y, 0));  // captured, not run
  graph.run();
  CHECK(all_are(y, 2));
  graph.run();
  x.fill(10);
  graph.run();
  CHECK(all_are(y, 24));
}

TEST_CASE("numbers that operations read are replaced in place") {
  const Tensor x = on_device({0, 1, 2, 3}), y = filled(kNan, 3);
  const Indices rows({1, 2, 3});
  const auto work = [&] { cuda::gather_rows(3, 1, rows.in(cuda::memory()), x.data(), y.data()); };
  work();
  const cuda::Graph graph(work);
  rows.replace({3, 0, 3});
  graph.run();
  CHECK(on_host(y) == Reals{3, 0, 3});
  CHECK_THROWS_AS(rows.replace({1, 2}), Error);
}

TEST_CASE("fills, copies and products are captured too") {
  const Tensor x = filled(3, 4), y = filled(0, 4), product = filled(kNan, 4);
  const auto work = [&] {
    y.fill(0);
    cuda::add_to(4, x.data(), y.data());
    cuda::gemm(2, 2, 2, {x.data(), 2, false}, {y.data(), 2, true}, product.data(), 2, false);
    x.set(product);
  };
  cuda::gemm(2, 2, 2, {x.data(), 2, false}, {x.data(), 2, true}, product.data(), 2, false);
  const cuda::Graph graph(work);
  graph.run();
  CHECK(all_are(x, 18));
  graph.run();
  CHECK(all_are(x, 648));
}

TEST_CASE("what is allocated while a graph is captured stands apart from other blocks, and is used again") {
  const Tensor x = filled(1), y = filled(0);
  const auto work = [&] {
    const Tensor a({kCount}, cuda::memory());
    cuda::scale(kCount, 3, x.data(), a.data());
    const Tensor b({kCount}, cuda::memory());
    cuda::scale(kCount, 5, a.data(), b.data());
    cuda::add_to(kCount, b.data(), y.data());
  };
  work();
  const cuda::Graph first(work);
  const std::size_t reserved = cuda::memory().reserved();
  const cuda::Graph second(work);
  CHECK(cuda::memory().reserved() == reserved);
  // Blocks of the same size, allocated after the capture and still in use: the graph's temporaries must not
  // be there.
  std::vector<Tensor> others;
  for (int i = 0; i < 8; ++i) others.push_back(filled(static_cast<real>(i)));
  first.run();
  second.run();
  CHECK(all_are(y, 45));
  for (int i = 0; i < 8; ++i) CHECK(all_are(others[static_cast<std::size_t>(i)], static_cast<real>(i)));
}

TEST_CASE("what is short-lived lies in the blocks that graphs use, and must be released before one runs") {
  const Tensor x = filled(1), y = filled(0);
  const auto work = [&] {
    const cuda::ShortLived short_lived;
    const Tensor a({kCount}, cuda::memory());
    cuda::scale(kCount, 3, x.data(), a.data());
    cuda::add_to(kCount, a.data(), y.data());
  };
  work();
  const std::size_t reserved = cuda::memory().reserved();
  const cuda::Graph graph(work);
  work();
  CHECK(cuda::memory().reserved() == reserved);  // both use the blocks of the first
  graph.run();
  CHECK(all_are(y, 9));
  Tensor held;
  {
    const cuda::ShortLived short_lived;
    held = Tensor({kCount}, cuda::memory());
  }
  CHECK_THROWS_WITH_AS(graph.run(), doctest::Contains("must be released before the graph runs"), Error);
  held = {};
  graph.run();
  CHECK(all_are(y, 12));
}

TEST_CASE("the blocks of a graph stay with it, and are given back when it is gone") {
  cuda::synchronize();
  cuda::memory().trim();
  const Tensor x = filled(1), y = filled(0);
  const std::size_t reserved = cuda::memory().reserved();
  const auto capture = [&](std::int64_t count) {
    return cuda::Graph([&, count] {
      const Tensor large({count}, cuda::memory());
      large.fill(2);
      cuda::add_to(kCount, large.data(), y.data());
    });
  };
  {
    const cuda::Graph small = capture(100'000);
    {
      const cuda::Graph large = capture(200'000);
      cuda::memory().trim();
      CHECK(cuda::memory().reserved() >= reserved + 300'000 * sizeof(real));
      large.run();
    }
    cuda::memory().trim();
    CHECK(cuda::memory().reserved() >= reserved + 100'000 * sizeof(real));
    CHECK(cuda::memory().reserved() < reserved + 200'000 * sizeof(real));
    small.run();
  }
  cuda::memory().trim();
  CHECK(cuda::memory().reserved() == reserved);
  CHECK(all_are(y, 4));
}

TEST_CASE("a graph outlives the tensors that it made and may be moved") {
  const Tensor x = filled(1), y = filled(0);
  std::vector<cuda::Graph> kept;
  for (int i = 1; i <= 3; ++i)
    kept.emplace_back([&] { cuda::add_scaled(kCount, static_cast<real>(i), x.data(), y.data()); });
  cuda::Graph moved = std::move(kept.front());
  kept.erase(kept.begin());
  for (const cuda::Graph& graph : kept) graph.run();
  moved.run();
  CHECK(all_are(y, 6));
}

TEST_CASE("what throws while a graph is captured leaves everything usable") {
  const Tensor x = filled(1), y = filled(0);
  const std::size_t in_use = cuda::memory().in_use();
  CHECK_THROWS_WITH_AS(cuda::Graph([&] {
                         const Tensor temporary({kCount}, cuda::memory());
                         cuda::add_to(kCount, x.data(), y.data());
                         throw std::runtime_error("on the way");
                       }),
                       "on the way", std::runtime_error);
  CHECK(cuda::memory().in_use() == in_use);
  CHECK(all_are(y, 0));
  const Indices numbers({1, 2, 3});
  CHECK_THROWS_WITH_AS(cuda::Graph([&] {
                         cuda::add_to(kCount, x.data(), y.data());
                         numbers.in(cuda::memory());
                       }),
                       "[from_host] nothing can be sent to the GPU while a graph is captured", Error);
  CHECK(all_are(y, 0));
  cuda::add_to(kCount, x.data(), y.data());
  CHECK(all_are(y, 1));
  const cuda::Graph graph([&] { cuda::add_to(kCount, x.data(), y.data()); });
  graph.run();
  CHECK(all_are(y, 2));
  // After a failed transfer, the next request sends again.
  const Tensor first = on_device({7, 8, 9, 10}), picked = filled(kNan, 3);
  cuda::gather_rows(3, 1, numbers.in(cuda::memory()), first.data(), picked.data());
  CHECK(on_host(picked) == Reals{8, 9, 10});
}

TEST_CASE("reading a value while a graph is captured is refused") {
  const Tensor x = filled(1);
  CHECK_THROWS_AS(cuda::Graph([&] { x.item(); }), Error);
  CHECK(all_are(x, 1));
}

TEST_CASE("a readback brings what stood there in its place in the order of work") {
  const Tensor x = filled(1, 1);
  cuda::Readback first(sizeof(real)), second(sizeof(real));
  first.start(x.data());
  x.fill(2);
  second.start(x.data());
  x.fill(3);
  CHECK(*static_cast<const real*>(second.wait()) == 2);
  CHECK(first.ready());
  CHECK(*static_cast<const real*>(first.wait()) == 1);
  first.start(x.data());
  CHECK(*static_cast<const real*>(first.wait()) == 3);
  CHECK(first.ready());
}

}  // namespace
}  // namespace mininmt
