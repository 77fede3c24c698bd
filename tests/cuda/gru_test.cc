// The kernels of a GRU step, without the products, against loops over the equations of ops/gru.h.
#include <string>

#include "cuda/kernels.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

constexpr std::int32_t kTime = 4;

// `products` are U_z h, U_r h, U (r * h); q is dx_h U. Padding is NaN where its contents must not matter.
struct Problem {
  std::int64_t batch, n;
  bool with_lengths, with_dy, add;
  std::vector<std::int32_t> lengths;
  Reals x, products, h, dnext, dy, q, dh;

  Problem(std::int64_t batch, std::int64_t n, bool with_lengths, bool with_dy, bool add)
      : batch(batch),
        n(n),
        with_lengths(with_lengths),
        with_dy(with_dy),
        add(add),
        x(random_reals(batch * 3 * n, 1)),
        products(random_reals(batch * 3 * n, 2)),
        h(random_reals(batch * n, 3, 0.5)),
        dnext(random_reals(batch * n, 4)),
        dy(random_reals(batch * n, 5)),
        q(random_reals(batch * n, 6)),
        dh(random_reals(batch * n, 7)) {
    for (std::int64_t b = 0; b < batch; ++b) lengths.push_back(static_cast<std::int32_t>(b * 5 % 9));
    for (std::int64_t i = 0; i < batch * n; ++i) {
      if (active(i / n)) continue;
      q[i] = kNan;
      for (std::int64_t part = 0; part < 3; ++part) x[place(i, part)] = products[place(i, part)] = kNan;
    }
  }

  bool active(std::int64_t b) const { return !with_lengths || kTime < lengths[b]; }
  std::int64_t place(std::int64_t i, std::int64_t part) const { return i / n * 3 * n + part * n + i % n; }
  std::string name() const {
    return "batch " + std::to_string(batch) + ", n " + std::to_string(n) + (with_lengths ? ", lengths" : "") +
           (with_dy ? ", dy" : "") + (add ? ", add" : "");
  }
};

template <class T>
struct Result {
  std::vector<T> reset, next, dx, dh;
  explicit Result(const Problem& p)
      : reset(p.batch * p.n), next(p.batch * p.n), dx(3 * p.batch * p.n), dh(p.batch * p.n) {}
};

template <class T>
Result<T> step_plainly(const Problem& p) {
  Result<T> y(p);
  const auto sigmoid = [](T v) { return 1 / (1 + std::exp(-v)); };
  for (std::int64_t i = 0; i < p.batch * p.n; ++i) {
    const auto sum = [&](int part) { return T{p.x[p.place(i, part)]} + T{p.products[p.place(i, part)]}; };
    const T before = p.add ? p.dh[i] : 0, d = T{p.dnext[i]} + (p.with_dy ? T{p.dy[i]} : 0), h = p.h[i];
    if (!p.active(i / p.n)) {
      y.next[i] = h;
      y.dh[i] = before + d;
      continue;
    }
    const T z = sigmoid(sum(0)), r = sigmoid(sum(1)), candidate = std::tanh(sum(2));
    y.reset[i] = r * h;
    y.next[i] = (1 - z) * h + z * candidate;
    y.dx[p.place(i, 0)] = d * (candidate - h) * z * (1 - z);
    y.dx[p.place(i, 1)] = p.q[i] * h * r * (1 - r);
    y.dx[p.place(i, 2)] = d * z * (1 - candidate * candidate);
    y.dh[i] = before + d * (1 - z) + p.q[i] * r;
  }
  return y;
}

Result<real> step_on_device(const Problem& p) {
  const Tensor x = on_device(p.x), gates = on_device(p.products), h = on_device(p.h),
               dnext = on_device(p.dnext), dy = on_device(p.dy), q = on_device(p.q),
               dh = p.add ? on_device(p.dh) : poisoned(count_of(p.dh));
  const Tensor reset = poisoned(count_of(p.h)), next = poisoned(count_of(p.h)), dx = poisoned(count_of(p.x));
  const Indices lengths(p.lengths);
  const cuda::GruStep step{p.batch, p.n, p.with_lengths ? lengths.in(cuda::memory()) : nullptr, kTime};
  cuda::gru_gates(step, x.data(), h.data(), gates.data(), reset.data());
  cuda::gru_state(step, x.data(), h.data(), gates.data(), next.data());
  cuda::gru_state_gradient(step, h.data(), gates.data(), dnext.data(), p.with_dy ? dy.data() : nullptr,
                           dx.data(), dh.data(), p.add);
  cuda::gru_reset_gradient(step, h.data(), gates.data(), q.data(), dx.data(), dh.data());
  Result<real> y(p);
  y.reset = on_host(reset), y.next = on_host(next), y.dx = on_host(dx), y.dh = on_host(dh);
  return y;
}

void check_step(const Problem& p) {
  INFO(p.name());
  const Result<real> result = step_on_device(p), plain = step_plainly<real>(p);
  const Result<Exact> exact = step_plainly<Exact>(p);
  check_close("reset", result.reset, plain.reset, exact.reset);
  check_close("next", result.next, plain.next, exact.next);
  check_close("dx", result.dx, plain.dx, exact.dx);
  check_close("dh", result.dh, plain.dh, exact.dh);
  std::int64_t wrong = 0;  // in rows that are not active
  for (std::int64_t i = 0; i < p.batch * p.n; ++i) {
    if (p.active(i / p.n)) continue;
    wrong += result.reset[i] != 0 || result.next[i] != p.h[i];
    for (int part = 0; part < 3; ++part) wrong += result.dx[p.place(i, part)] != 0;
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("GRU step: forward and backward, every size, with padding and without") {
  for (std::int64_t n : {1, 31, 33, 1000, 1023})
    for (bool with_lengths : {false, true}) {
      check_step({1, n, with_lengths, true, false});
      check_step({7, n, with_lengths, false, true});
    }
  check_step({80, 32, true, true, true});
  check_step({300, 1000, true, true, false});  // 16-byte accesses on any GPU
  check_step({300, 1000, false, false, true});
}

TEST_CASE("GRU step: nothing to do") {
  const cuda::GruStep step{0, 10, nullptr, 0};
  cuda::gru_gates(step, nullptr, nullptr, nullptr, nullptr);
  cuda::gru_state(step, nullptr, nullptr, nullptr, nullptr);
  cuda::gru_state_gradient(step, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, true);
  cuda::gru_reset_gradient(step, nullptr, nullptr, nullptr, nullptr, nullptr);
  cuda::synchronize();
}

TEST_CASE("GRU step: a NaN in a row that is active shows in the results that it belongs to") {
  Problem p(3, 33, false, true, false);
  p.x[p.place(40, 0)] = kNan;         // of z
  p.products[p.place(50, 1)] = kNan;  // of r
  p.x[p.place(60, 2)] = kInfinity;    // of the candidate: tanh is 1 there
  const Result<real> y = step_on_device(p);
  CHECK(std::isnan(y.next[40]));
  CHECK(std::isnan(y.dx[p.place(40, 2)]));
  CHECK(std::isnan(y.dh[40]));
  CHECK(std::isnan(y.reset[50]));
  CHECK(std::isnan(y.dx[p.place(50, 1)]));
  CHECK(std::isfinite(y.next[60]));
  CHECK(std::count_if(y.next.begin(), y.next.end(), [](real v) { return std::isnan(v); }) == 1);
  CHECK(std::count_if(y.reset.begin(), y.reset.end(), [](real v) { return std::isnan(v); }) == 1);
}

TEST_CASE("GRU step: a second GRU beside the first comes to what it comes to by itself") {
  for (std::int64_t n : {33, 1000}) {
    for (std::int64_t gap : {0, 1}) {
      INFO("n " << n << ", gap " << gap);
      const std::int64_t batch = n == 33 ? 7 : 300, size = batch * n;
      const Problem first(batch, n, true, true, true);
      Problem second = first;
      std::reverse(second.h.begin(), second.h.end());
      std::reverse(second.dnext.begin(), second.dnext.end());
      std::reverse(second.dy.begin(), second.dy.end());
      std::reverse(second.dh.begin(), second.dh.end());
      for (std::int64_t i = 0; i < size; ++i)
        for (int part = 0; part < 3; ++part) second.x[second.place(i, part)] += 1;

      // The second GRU's operands after the first's: x after a gap, h after the space of two more steps.
      const auto both = [](Reals a, std::int64_t distance, const Reals& b) {
        a.resize(static_cast<std::size_t>(distance), kNan);
        a.insert(a.end(), b.begin(), b.end());
        return on_device(a);
      };
      const Tensor x = both(first.x, 3 * size + gap, second.x), h = both(first.h, 3 * size, second.h);
      const Tensor gates = both(first.products, 6 * size, second.products),
                   dy = both(first.dy, 2 * size, second.dy);
      const Tensor dnext = both(first.dnext, size, second.dnext), q = both(first.q, size, second.q);
      const Tensor dh = both(first.dh, size, second.dh), reset = poisoned(3 * size),
                   next = poisoned(3 * size), dx = poisoned(9 * size);
      const Indices lengths(first.lengths);
      cuda::GruStep step{batch, n, lengths.in(cuda::memory()), kTime};
      step.second = {true, kTime, 3 * size + gap, 2 * size, 3 * size};
      cuda::gru_gates(step, x.data(), h.data(), gates.data(), reset.data());
      cuda::gru_state(step, x.data(), h.data(), gates.data(), next.data());
      cuda::gru_state_gradient(step, h.data(), gates.data(), dnext.data(), dy.data(), dx.data(), dh.data(),
                               true);
      cuda::gru_reset_gradient(step, h.data(), gates.data(), q.data(), dx.data(), dh.data());

      const auto part = [](const Tensor& y, std::int64_t from, std::int64_t count) {
        const Reals all = on_host(y);
        return Reals(all.begin() + from, all.begin() + from + count);
      };
      for (std::int64_t gru : {0, 1}) {
        INFO("GRU " << gru);
        const Result<real> alone = step_on_device(gru == 0 ? first : second);
        CHECK(part(reset, gru * 2 * size, size) == alone.reset);
        CHECK(part(next, gru * 2 * size, size) == alone.next);
        CHECK(part(dx, gru * 6 * size, 3 * size) == alone.dx);
        CHECK(part(dh, gru * size, size) == alone.dh);
      }
    }
  }
}

TEST_CASE("GRU step: the second GRU's time is its own") {
  const std::int64_t batch = 9, n = 31;
  const Tensor h = on_device(random_reals(batch * n, 1)), x = on_device(Reals(batch * 3 * n, 1));
  const Tensor gates = on_device(Reals(2 * batch * 3 * n, 1)), reset = poisoned(2 * batch * n);
  const Indices lengths({0, 1, 2, 3, 4, 5, 6, 7, 8});
  cuda::GruStep step{batch, n, lengths.in(cuda::memory()), 2};
  step.second = {true, 6, 0, batch * n, 0};
  cuda::gru_gates(step, x.data(), h.data(), gates.data(), reset.data());
  const Reals y = on_host(reset);
  for (std::int64_t row = 0; row < 2 * batch; ++row) {
    INFO("row " << row);
    const bool active = (row < batch ? 2 : 6) < row % batch;
    CHECK((y[row * n] != 0) == active);
  }
}

}  // namespace mininmt
