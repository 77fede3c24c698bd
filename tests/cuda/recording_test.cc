// Recordings of work for the GPU, and reading back without waiting.
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

TEST_CASE("a recording is run as often as asked, and reads what is there then") {
  const Tensor x = filled(1), y = filled(0);
  const cuda::Recording recording([&] { cuda::add_scaled(kCount, 2, x.data(), y.data()); });
  CHECK(recording.nodes() == 1);
  CHECK(all_are(y, 0));  // recorded, not run
  recording.run();
  CHECK(all_are(y, 2));
  recording.run();
  x.fill(10);
  recording.run();
  CHECK(all_are(y, 24));
}

TEST_CASE("numbers that operations read are replaced in place") {
  const Tensor x = on_device({0, 1, 2, 3}), y = filled(kNan, 3);
  const Indices rows({1, 2, 3});
  const auto work = [&] { cuda::gather_rows(3, 1, rows.in(cuda::memory()), x.data(), y.data()); };
  work();
  const cuda::Recording recording(work);
  rows.replace({3, 0, 3});
  recording.run();
  CHECK(on_host(y) == Reals{3, 0, 3});
  CHECK_THROWS_AS(rows.replace({1, 2}), Error);
}

TEST_CASE("fills, copies and products are recorded too") {
  const Tensor x = filled(3, 4), y = filled(0, 4), product = filled(kNan, 4);
  const auto work = [&] {
    y.fill(0);
    cuda::add_to(4, x.data(), y.data());
    cuda::gemm(2, 2, 2, {x.data(), 2, false}, {y.data(), 2, true}, product.data(), 2, false);
    x.set(product);
  };
  cuda::gemm(2, 2, 2, {x.data(), 2, false}, {x.data(), 2, true}, product.data(), 2, false);
  const cuda::Recording recording(work);
  recording.run();
  CHECK(all_are(x, 18));
  recording.run();
  CHECK(all_are(x, 648));
}

TEST_CASE("what is allocated while recording stands apart from other blocks, and is used again") {
  const Tensor x = filled(1), y = filled(0);
  const auto work = [&] {
    const Tensor a({kCount}, cuda::memory());
    cuda::scale(kCount, 3, x.data(), a.data());
    const Tensor b({kCount}, cuda::memory());
    cuda::scale(kCount, 5, a.data(), b.data());
    cuda::add_to(kCount, b.data(), y.data());
  };
  work();
  const cuda::Recording first(work);
  const std::size_t reserved = cuda::memory().reserved();
  const cuda::Recording second(work);
  CHECK(cuda::memory().reserved() == reserved);
  // Blocks of the same size, taken after the recording and still held: its temporaries must not lie there.
  std::vector<Tensor> others;
  for (int i = 0; i < 8; ++i) others.push_back(filled(static_cast<real>(i)));
  first.run();
  second.run();
  CHECK(all_are(y, 45));
  for (int i = 0; i < 8; ++i) CHECK(all_are(others[static_cast<std::size_t>(i)], static_cast<real>(i)));
}

TEST_CASE("a recording outlives the tensors that it made and may be moved") {
  const Tensor x = filled(1), y = filled(0);
  std::vector<cuda::Recording> kept;
  for (int i = 1; i <= 3; ++i)
    kept.emplace_back([&] { cuda::add_scaled(kCount, static_cast<real>(i), x.data(), y.data()); });
  cuda::Recording moved = std::move(kept.front());
  kept.erase(kept.begin());
  for (const cuda::Recording& recording : kept) recording.run();
  moved.run();
  CHECK(all_are(y, 6));
}

TEST_CASE("what throws while recording leaves everything usable") {
  const Tensor x = filled(1), y = filled(0);
  const std::size_t in_use = cuda::memory().in_use();
  CHECK_THROWS_WITH_AS(cuda::Recording([&] {
                         const Tensor temporary({kCount}, cuda::memory());
                         cuda::add_to(kCount, x.data(), y.data());
                         throw std::runtime_error("on the way");
                       }),
                       "on the way", std::runtime_error);
  CHECK(cuda::memory().in_use() == in_use);
  CHECK(all_are(y, 0));
  const Indices numbers({1, 2, 3});
  CHECK_THROWS_WITH_AS(cuda::Recording([&] {
                         cuda::add_to(kCount, x.data(), y.data());
                         numbers.in(cuda::memory());
                       }),
                       "[from_host] nothing can be sent to the GPU while work is recorded", Error);
  CHECK(all_are(y, 0));
  cuda::add_to(kCount, x.data(), y.data());
  CHECK(all_are(y, 1));
  const cuda::Recording recording([&] { cuda::add_to(kCount, x.data(), y.data()); });
  recording.run();
  CHECK(all_are(y, 2));
  // What failed to be sent is sent when it is asked for again.
  const Tensor first = on_device({7, 8, 9, 10}), picked = filled(kNan, 3);
  cuda::gather_rows(3, 1, numbers.in(cuda::memory()), first.data(), picked.data());
  CHECK(on_host(picked) == Reals{8, 9, 10});
}

TEST_CASE("reading a value while recording is refused") {
  const Tensor x = filled(1);
  CHECK_THROWS_AS(cuda::Recording([&] { x.item(); }), Error);
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
