#include "tests/bench/ops_gpu.h"

#include <algorithm>
#include <cstdio>

#include "cuda/device.h"
#include "tests/bench/ops_bench.h"

namespace mininmt::bench {

// The matrices and vectors of MODEL.md 8.
std::int64_t Sizes::parameters() const {
  const std::int64_t gru = 3 * n * m + 3 * n * n + 3 * n;
  return 2 * V * m + V * l + V + 3 * gru + n * n + n + 3 * n * C() + A * n + A * C() + A +
         2 * l * (n + m + C() + 1);
}

OpsBench::OpsBench(Memory& memory, const Sizes& sizes, std::string only, std::string precision,
                   const Roofs& roofs)
    : memory(memory), sizes(sizes), only_(std::move(only)), precision_(std::move(precision)), roofs_(roofs) {}

int OpsBench::sets_of(double bytes) const {
  constexpr double kBeyondCache = 300e6;  // an H200 has 60 MB
  return static_cast<int>(std::clamp(kBeyondCache / bytes, 2.0, 24.0));
}

void OpsBench::measure(const Case& c, int sets, const std::function<Run()>& make) {
  constexpr int kLaunches = 24;  // in a graph
  if (c.name.find(only_) == std::string::npos) return;
  const Run run = make();
  const auto seconds = [&](int used) {
    return seconds_of(memory,
                      [&] {
                        for (int i = 0; i < kLaunches; ++i) run(i % used);
                      }) /
           kLaunches;
  };
  report(c, sets > 1 ? "from memory" : "as they come", seconds(sets));
  if (sets > 1) report(c, "in cache", seconds(1));
}

void OpsBench::report(const Case& c, const std::string& operands, double seconds) {
  const double floor = floor_seconds(c.flops, c.bytes, roofs_);
  print({{"bench", c.name},
         {"shape", c.shape},
         {"operands", operands},
         {"precision", precision_},
         {"seconds", seconds},
         {"floor_seconds", floor},
         {"of_floor", floor / seconds},
         {"gflops", c.flops / seconds / 1e9},
         {"gbytes", c.bytes / seconds / 1e9},
         {"per_update", c.per_update},
         {"ms_per_update", 1e3 * seconds * c.per_update}});
  rows_.push_back({c, operands, seconds, floor});
}

void OpsBench::print_table() const {
  double seconds = 0, floor = 0;
  std::printf("%-34s %-26s %-12s %9s %9s %6s %7s %8s\n", "operation", "shape", "operands", "us", "floor us",
              "floor", "times", "ms");
  for (const Row& row : rows_) {
    const double times = row.of.per_update;
    std::printf("%-34s %-26s %-12s %9.2f %9.2f %5.0f%% %7.0f %8.3f\n", row.of.name.c_str(),
                row.of.shape.c_str(), row.operands.c_str(), 1e6 * row.seconds, 1e6 * row.floor,
                100 * row.floor / row.seconds, times, 1e3 * times * row.seconds);
    if (row.operands == "from memory") continue;  // the other line counts: in an update they are in the cache
    seconds += times * row.seconds;
    floor += times * row.floor;
  }
  std::printf("an update in %s, all of the above as often as it takes them: %.3f ms, their floors %.3f ms\n",
              precision_.c_str(), 1e3 * seconds, 1e3 * floor);
  std::fflush(stdout);
}

namespace {

Sizes read_sizes(Arguments& a) {
  return {a.number("sentences", 80),   a.number("source-steps", 22), a.number("target-steps", 30),
          a.number("words", 1600),     a.number("dim-emb", 620),     a.number("dim-rnn", 1000),
          a.number("dim-align", 1000), a.number("dim-maxout", 500),  a.number("dim-vocab", 30000),
          a.number("search-rows", 768)};
}

}  // namespace

void bench_ops_on_gpu(Arguments& arguments, Memory& memory, const std::string& device,
                      const std::string& precision) {
  const Sizes sizes = read_sizes(arguments);
  const std::string only = arguments.text("only", "");
  const int side = arguments.has("roof-side") ? arguments.number("roof-side", 1) : 0;
  arguments.check_all_used();
  print({{"bench", "device"}, {"device", device}});
  const std::pair<std::string, cuda::Precision> precisions[] = {{"float32", cuda::Precision::kFloat32},
                                                                {"tf32", cuda::Precision::kTf32},
                                                                {"bf16", cuda::Precision::kBf16}};
  Roofs chosen{};
  for (const auto& [name, value] : precisions) {
    cuda::set_precision(value);
    const Roofs roofs = measure_roofs(memory, side);
    print({{"bench", "roof: matrix product"},
           {"precision", name},
           {"value", roofs.gflops},
           {"unit", "GFLOP/s"}});
    print({{"bench", "roof: copy"}, {"value", roofs.gbytes}, {"unit", "GB/s, read and written"}});
    if (name == precision) {
      chosen = roofs;
      continue;
    }
    OpsBench bench(memory, sizes, only, name, roofs);
    bench_products(bench);
  }
  for (const auto& [name, value] : precisions)
    if (name == precision) cuda::set_precision(value);
  OpsBench bench(memory, sizes, only, precision, chosen);
  bench_attention(bench);
  bench_gates(bench);
  bench_output(bench);
  bench_rows(bench);
  bench_updates(bench);
  bench_products(bench);
  bench.print_table();
}

}  // namespace mininmt::bench
