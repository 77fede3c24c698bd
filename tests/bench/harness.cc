#include "tests/bench/harness.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "ops/gemm.h"
#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace mininmt::bench {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

MININMT_VECTORIZED void sum_arrays(std::int64_t n, const real* a, const real* b, real* c) {
  for (std::int64_t i = 0; i < n; ++i) c[i] = a[i] + b[i];
}

}  // namespace

double seconds_of(const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (double total = 0; total < 0.5 || times.size() < 5; total += times.back()) {
    const double start = now();
    work();
    times.push_back(now() - start);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

Roofs measure_roofs() {
  Roofs roofs{};
  constexpr std::int64_t n = 1536, size = 1 << 25;
  Tensor a({n, n}), b({n, n}), c({n, n});
  a.fill(real{0.5});
  b.fill(real{0.25});
  const double product = seconds_of([&] { gemm(n, n, n, {a.data(), n}, {b.data(), n}, c.data(), n, false); });
  roofs.gflops = 2.0 * n * n * n / product / 1e9;
  Tensor x({size}), y({size}), z({size});
  x.fill(1);
  y.fill(2);
  z.fill(0);
  const double stream = seconds_of([&] {
    parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
      sum_arrays(end - begin, x.data() + begin, y.data() + begin, z.data() + begin);
    });
  });
  roofs.gbytes = 3.0 * sizeof(real) * static_cast<double>(size) / stream / 1e9;
  return roofs;
}

void report(const std::string& name, double seconds, double flops, double bytes, const Roofs& roofs) {
  const double least = std::max(flops / roofs.gflops, bytes / roofs.gbytes) / 1e9;
  std::printf(
      "{\"bench\": \"%s\", \"seconds\": %.3g, \"gflops\": %.1f, \"gbytes\": %.1f, \"of_roof\": %.2f}\n",
      name.c_str(), seconds, flops / seconds / 1e9, bytes / seconds / 1e9, least / seconds);
  std::fflush(stdout);
}

void report_rate(const std::string& name, double value, const std::string& unit, const std::string& more) {
  std::printf("{\"bench\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"%s}\n", name.c_str(), value, unit.c_str(),
              more.c_str());
  std::fflush(stdout);
}

}  // namespace mininmt::bench
